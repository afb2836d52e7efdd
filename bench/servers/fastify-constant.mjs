import Fastify from 'fastify';

/**
 * Fastify as its quick start has it: parses the body and answers one constant object, with no model, check, log or
 * metric. What a framework alone can do. Usage: node fastify-constant.mjs PORT ANSWER_JSON
 */
const [port, answerJson] = process.argv.slice(2);
const answer = JSON.parse(answerJson);
const fastify = Fastify({ logger: false });

fastify.post('/predict', async (_request, _reply) => {
  return answer;
});

await fastify.listen({ port: Number(port), host: '127.0.0.1' });
