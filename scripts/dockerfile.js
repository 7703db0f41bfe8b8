/** Reads the instructions of the Dockerfile, as far as it uses the language: FROM, COPY, RUN. */

/**
 * The stages of `text`: `[{ name, steps: [{ instruction, words, text }] }]`, with continued lines joined.
 * @param {string} text
 */
export function stagesOf(text) {
  const lines = text
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages = [];
  for (const line of lines) {
    const [instruction = '', ...words] = line.trim().split(/\s+/);
    if (instruction === 'FROM') stages.push({ image: words[0] ?? '', name: words[2] ?? '', steps: [] });
    else stages.at(-1)?.steps.push({ instruction, words, text: line.trim().slice(instruction.length).trim() });
  }
  return stages;
}

/**
 * What a stage copies from the repository, or from the stage `from`.
 * @param {{ steps: { instruction: string, words: string[] }[] }} stage
 * @param {string | null} from
 */
export function copiesOf(stage, from = null) {
  return stage.steps
    .filter(({ instruction, words }) => {
      const flag = words.find((word) => word.startsWith('--from='));
      return instruction === 'COPY' && (flag === undefined ? from === null : flag === `--from=${from}`);
    })
    .map(({ words }) => words.filter((word) => !word.startsWith('--')))
    .map((words) => ({ sources: words.slice(0, -1), target: words.at(-1) ?? '' }));
}
