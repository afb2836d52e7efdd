import type { FastifyInstance } from 'fastify';
import type { z } from 'zod';
import { type FeedbackAnswer, feedbackItem, MAX_FEEDBACK_ITEMS } from '../../contracts/native.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, type FieldProblem } from '../../kernel/errors.ts';
import { jsonTypeOf } from '../../kernel/json.ts';
import { type Feedback, recordFeedback } from '../../serving/feedback.ts';
import type { PredictionLog } from '../../serving/prediction-log/prediction-log.ts';

interface FeedbackDependencies {
  readonly log: PredictionLog;
  readonly clock: Clock;
}

/** `POST /feedback`: one label, or a list with a result for each. */
export function registerFeedbackRoute(app: FastifyInstance, { log, clock }: FeedbackDependencies): void {
  app.post('/feedback', async (request, reply) => {
    const { body } = request;
    if (!Array.isArray(body)) {
      const parsed = feedbackItem.safeParse(body);
      if (!parsed.success)
        throw new AppError('REQUEST_INVALID', 'The feedback does not fit its schema', {
          problems: problemsOf(parsed.error, body),
        });
      const [id] = await recordFeedback(log, clock, [parsed.data as Feedback]);
      return reply.send(answerOf([{ status: 'accepted', feedback_id: id as string }]));
    }
    if (body.length === 0 || body.length > MAX_FEEDBACK_ITEMS) {
      throw new AppError('REQUEST_INVALID', `A list of feedback has 1 to ${MAX_FEEDBACK_ITEMS} items`);
    }
    const parsed = body.map((item) => feedbackItem.safeParse(item));
    const good = parsed.flatMap((result) => (result.success ? [result.data as Feedback] : []));
    const ids = [...(good.length > 0 ? await recordFeedback(log, clock, good) : [])];
    return reply.send(
      answerOf(
        parsed.map((result, i) => {
          if (result.success) return { status: 'accepted', feedback_id: ids.shift() as string };
          const [problem] = problemsOf(result.error, body[i]);
          return { status: 'failed', error: `${problem?.path ?? ''} ${problem?.message ?? ''}`.trim() };
        }),
      ),
    );
  });
}

function answerOf(results: FeedbackAnswer['results']): FeedbackAnswer {
  const failed = results.filter((result) => result.status === 'failed').length;
  return { accepted: results.length - failed, failed, results };
}

function problemsOf(error: z.ZodError, body: unknown): readonly FieldProblem[] {
  return error.issues.slice(0, 20).map((issue) => {
    const path = issue.path.join('.').slice(0, 64);
    const named =
      issue.code === 'unrecognized_keys'
        ? issue.keys
            .slice(0, 5)
            .map((key) => key.slice(0, 64))
            .join(', ')
        : '';
    return {
      path: path || named,
      message: named === '' ? issue.message.slice(0, 200) : 'is not a field of feedback',
      got: jsonTypeOf(path === '' ? body : (body as Record<string, unknown>)[path]),
    };
  });
}
