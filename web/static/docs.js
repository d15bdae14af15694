// Renders the description of the interface.

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  validatorUrl: null, // it would ask a third party
  deepLinking: true,
});
