// Predicts by types made of the document: `node predict.mts ADDRESS`, and `tsc` must accept it.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.d.ts";

// What it takes and gives as JSON; errors are application/problem+json.
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: process.argv[2]! });
const row: components["schemas"]["CreditRow"] = {
  seniority: 9, home: "rent", time: 60, age: 30, marital: "married", records: false,
  job: "freelance", expenses: 73, income: 129, assets: 0, debt: 0, amount: 800, price: 846,
};
const { data, error } = await client.POST("/v0/predict", {
  body: row,
  params: { query: { strict: "1" } },
});
if (error) throw new Error(error.detail);
const value: boolean | undefined = data.prediction?.value;

// @ts-expect-error an age is a number
const wrong: components["schemas"]["CreditRow"] = { ...row, age: "old" };
const refused = await client.POST("/v0/predict", { body: wrong });
console.log(JSON.stringify({ value, field: refused.error?.errors?.[0]?.field }));
