type Schema = Record<string, unknown>;

const HEADERS = ['X-MLflow-Delivery-Id', 'X-MLflow-Timestamp', 'X-MLflow-Signature'];

/** `POST /webhooks/mlflow` in the OpenAPI document, of a process that has the secret. It is authenticated by its signature alone. */
export function webhookPath(problem: Schema): Record<string, Schema> {
  return {
    '/webhooks/mlflow': {
      post: {
        tags: ['MLflow'],
        summary: 'A registered model of the MLflow registry has changed: its endpoints look at once',
        security: [],
        parameters: HEADERS.map((name) => ({
          name,
          in: 'header',
          required: true,
          schema: { type: 'string' },
        })),
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['data'],
                properties: {
                  data: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
                },
              },
            },
          },
        },
        responses: {
          200: {
            description: 'Answer',
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['endpoints', 'repeated'],
                  properties: {
                    endpoints: { type: 'integer', description: 'how many look' },
                    repeated: { type: 'boolean', description: 'whether the delivery came before' },
                  },
                },
              },
            },
          },
          default: problem,
        },
      },
    },
  };
}
