import type { GenerationSettings } from './generation-settings.ts';

/** Changes the scores of the next token, in place. `tokens` are those so far, the decoder's start first. */
export type TokenRule = (tokens: readonly number[], scores: Float32Array) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** What Python's transformers calls logits processors, in its order: each acts on what those before it left. */
export function tokenRules(settings: GenerationSettings): readonly TokenRule[] {
  const { repetitionPenalty, noRepeatNgram, badWords, minTokens, maxTokens, ends } = settings;
  const rules: TokenRule[] = [];
  if (repetitionPenalty !== 1) rules.push(penalizeRepetition(repetitionPenalty));
  if (noRepeatNgram > 0) rules.push((tokens, scores) => banRepeatedNgrams(tokens, scores, noRepeatNgram));
  if (badWords.length > 0) rules.push((tokens, scores) => banWords(tokens, scores, badWords));
  if (minTokens > 0)
    rules.push((tokens, scores) => {
      if (tokens.length - 1 < minTokens) ban(scores, ends);
    });
  const { forcedStart, forcedEnds, suppressed, suppressedAtStart } = settings;
  if (forcedStart !== null)
    rules.push((tokens, scores) => {
      if (tokens.length === 1) force(scores, [forcedStart]);
    });
  if (forcedEnds.length > 0)
    rules.push((tokens, scores) => {
      if (tokens.length === maxTokens) force(scores, forcedEnds);
    });
  if (suppressed.length > 0) rules.push((_, scores) => ban(scores, suppressed));
  if (suppressedAtStart.length > 0) {
    const start = forcedStart === null ? 1 : 2;
    rules.push((tokens, scores) => {
      if (tokens.length === start) ban(scores, suppressedAtStart);
    });
  }
  return rules;
}

function ban(scores: Float32Array, tokens: readonly number[]): void {
  for (const token of tokens) if (token < scores.length) scores[token] = NEVER;
}

function force(scores: Float32Array, tokens: readonly number[]): void {
  scores.fill(NEVER);
  for (const token of tokens) if (token < scores.length) scores[token] = 0;
}

function penalizeRepetition(penalty: number): TokenRule {
  return (tokens, scores) => {
    for (const token of new Set(tokens)) {
      const score = scores[token] ?? 0;
      scores[token] = score < 0 ? score * penalty : score / penalty;
    }
  };
}

/** Bans what came after an earlier occurrence of the last `size - 1` tokens. */
function banRepeatedNgrams(tokens: readonly number[], scores: Float32Array, size: number): void {
  const prefix = size - 1;
  const last = tokens.length - prefix;
  for (let start = 0; start < last; start += 1) {
    let same = 0;
    while (same < prefix && tokens[start + same] === tokens[last + same]) same += 1;
    if (same === prefix) scores[tokens[start + prefix] as number] = NEVER;
  }
}

/** Bans the last token of a word whose others have just come. */
function banWords(
  tokens: readonly number[],
  scores: Float32Array,
  words: readonly (readonly number[])[],
): void {
  for (const word of words) {
    const from = tokens.length - (word.length - 1);
    const hasCome = from >= 0 && word.slice(0, -1).every((token, i) => tokens[from + i] === token);
    if (hasCome && word.length <= Math.max(tokens.length, 1)) ban(scores, word.slice(-1));
  }
}
