/** How a DynamoDB of one's own is started. */
export interface DynamodbOptions {
  /** Tables are kept on disk, so that they outlive `kill()`. Default: false. */
  durable?: boolean;
}

export const DYNAMODB_REGION = "us-east-1";

/** An emulator takes any credentials, but some there must be. */
export const EMULATOR_CREDENTIALS: { readonly accessKeyId: string; readonly secretAccessKey: string } = {
  accessKeyId: "manykv",
  secretAccessKey: "manykv",
};
