// A file of its own, because the page's policy allows no script in the page. No validator: it would
// be asked over the network.
SwaggerUIBundle({
  url: "v0/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
});
