import { defineCommand } from '../declaration.js';
import { SHELLS } from './shells.js';

export const completion = defineCommand({
  name: 'completion',
  summary: 'shell completion',
  description: 'Prints a shell completion script for commands, options, profiles, runs and gateways.',
  arguments: [{ term: '<bash, zsh or fish>', help: 'the shell', complete: SHELLS }],
  options: {},
  notes: `To enable it in every new shell:
  bash  dji-ota completion bash > ~/.local/share/bash-completion/completions/dji-ota
        or, without the bash-completion package: add  source <(dji-ota completion bash)  to ~/.bashrc
  zsh   add  source <(dji-ota completion zsh)  to ~/.zshrc, after compinit
  fish  dji-ota completion fish > ~/.config/fish/completions/dji-ota.fish`,
  examples: ['dji-ota completion bash', 'dji-ota completion fish > ~/.config/fish/completions/dji-ota.fish'],
  run: async ([shell], _, io) => (await import('./completion.js')).completionCommand(shell, io),
});
