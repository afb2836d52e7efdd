import { describe, expect, it } from 'vitest';
import { generationSettings } from './generation-settings.ts';

const CONFIG = { decoder_start_token_id: 0, eos_token_id: 1, max_length: 40, num_beams: 6 };
const LIMITS = { beams: null, maxTokens: 256, positions: null };

describe('generationSettings', () => {
  it('takes those of config.json only where there is no other file', () => {
    expect(generationSettings(CONFIG, null, LIMITS)).toMatchObject({ beams: 6, maxTokens: 39 });
    const own = { decoder_start_token_id: 5, eos_token_id: [2, 3], pad_token_id: 4, max_new_tokens: 7 };
    expect(generationSettings(CONFIG, own, LIMITS)).toMatchObject({
      beams: 1,
      maxTokens: 7,
      decoderStart: 5,
      ends: [2, 3],
      pad: 4,
    });
  });

  it('is bounded by the caller and by the positions of the decoder', () => {
    const own = { max_length: 500 };
    expect(generationSettings(CONFIG, own, LIMITS).maxTokens).toBe(256);
    expect(generationSettings(CONFIG, own, { ...LIMITS, positions: 64 }).maxTokens).toBe(64);
    expect(generationSettings(CONFIG, { num_beams: 4 }, { ...LIMITS, beams: 2 }).beams).toBe(2);
  });

  it('has what the files do not say from what they say', () => {
    expect(generationSettings({ bos_token_id: 9, eos_token_id: 1 }, {}, LIMITS)).toMatchObject({
      decoderStart: 9,
      pad: 1,
      maxTokens: 256,
      lengthPenalty: 1,
      earlyStopping: false,
      badWords: [],
    });
  });

  it('never bans an end as a bad word', () => {
    const own = { bad_words_ids: [[1], [5], [1, 2], []] };
    expect(generationSettings(CONFIG, own, LIMITS).badWords).toEqual([[5], [1, 2]]);
  });

  it.each(['decoder_start_token_id', 'eos_token_id'])('needs %s', (name) => {
    const { [name]: _, ...rest } = CONFIG as Record<string, number>;
    expect(() => generationSettings(rest, null, LIMITS)).toThrow(name);
  });

  it.each([
    ['do_sample', true],
    ['num_beam_groups', 2],
    ['penalty_alpha', 0.6],
    ['guidance_scale', 1.5],
    ['encoder_no_repeat_ngram_size', 3],
  ])('refuses %s, which is not served', (name, value) => {
    expect(() => generationSettings(CONFIG, { [name]: value }, LIMITS)).toThrow(`have ${name}: ${value}`);
    expect(() => generationSettings(CONFIG, { [name]: null }, LIMITS)).not.toThrow();
  });
});
