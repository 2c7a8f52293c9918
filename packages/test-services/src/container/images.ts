/** The images that Testcontainers starts. */
export const IMAGES = {
  redis: "redis:7.2",
  postgres: "postgres:17",
  dynamodb: "amazon/dynamodb-local:2.5.2",
} as const;
