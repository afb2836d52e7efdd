import { post } from './post.mjs';

const TOLERANCE = 1e-4;

/**
 * Servers that answer differently would not do the same work: every body, every label, every probability. An asker
 * takes all bodies and has `{ prediction, probability }` for each.
 */
export async function compareAnswers(askers, bodies) {
  const answers = await Promise.all(askers.map(({ ask }) => ask(bodies)));
  for (let i = 0; i < bodies.length; i++) {
    const { name: first, answer: expected } = answerOf(0, i);
    for (let other = 1; other < askers.length; other++) {
      const { name, answer } = answerOf(other, i);
      const isSame =
        answer.prediction === expected.prediction &&
        Math.abs(answer.probability - expected.probability) < TOLERANCE;
      if (isSame) continue;
      const [one, two] = [expected, answer].map(
        ({ prediction, probability }) => `${prediction} (${probability})`,
      );
      throw new Error(`${first} answers ${one}, ${name} ${two} to ${bodies[i]}`);
    }
  }

  function answerOf(asker, body) {
    return { name: askers[asker].name, answer: answers[asker][body] };
  }
}

/** Asks a server's `/predict`. */
export function askPredict({ name, port }) {
  return {
    name,
    async ask(bodies) {
      const answers = [];
      for (const body of bodies) answers.push(JSON.parse((await post(port, body)).text));
      return answers;
    },
  };
}
