import { post } from './post.mjs';

const TOLERANCE = 1e-4;

/** Servers that answer differently would not do the same work: every body, every label, every probability. */
export async function compareAnswers(servers, bodies) {
  for (const body of bodies) {
    const answers = await Promise.all(
      servers.map(async ({ port }) => JSON.parse((await post(port, body)).text)),
    );
    answers.forEach((answer, i) => {
      const isSame =
        answer.prediction === answers[0].prediction &&
        Math.abs(answer.probability - answers[0].probability) < TOLERANCE;
      if (isSame) return;
      const [first, other] = [answers[0], answer].map((one) => `${one.prediction} (${one.probability})`);
      throw new Error(`${servers[0].name} answers ${first}, ${servers[i].name} ${other} to ${body}`);
    });
  }
}
