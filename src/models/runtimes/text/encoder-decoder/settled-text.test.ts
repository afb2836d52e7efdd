import { expect, it } from 'vitest';
import { SettledText } from './settled-text.ts';

it('hands on words once they stand, and at the end the rest', () => {
  const settled = new SettledText();
  const pieces = ['I', 'I do', 'I do n', "I don't", "I don't know", "I don't know ."].map((text) =>
    settled.grow(text),
  );
  expect(pieces).toEqual(['', 'I', ' do', '', "n't", ' know']);
  expect([...pieces, settled.finish("I don't know.")].join('')).toBe("I don't know.");
});

it.each(['नमस्ते दुनिया कैसे हैं', 'a  b\u00a0c', '', 'one'])('is together what the text is: %j', (text) => {
  const settled = new SettledText();
  const grown = Array.from(text, (_, i) => settled.grow(text.slice(0, i + 1)));
  expect([...grown, settled.finish(text)].join('')).toBe(text);
});
