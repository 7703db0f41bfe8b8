import type { Command } from 'commander';
import { addCommon } from '../options.js';

export function declareCompletion(program: Command): Command {
  const command = program
    .command('completion')
    .summary('shell completion')
    .description('Prints a script that makes a shell complete commands, options, profiles, runs and gateways.')
    .argument('<bash, zsh or fish>', 'the shell');
  return addCommon(command).addHelpText(
    'after',
    `
To have it in every new shell:
  bash  dji-ota completion bash > ~/.local/share/bash-completion/completions/dji-ota
        or, without the bash-completion package: add  source <(dji-ota completion bash)  to ~/.bashrc
  zsh   add  source <(dji-ota completion zsh)  to ~/.zshrc, after compinit
  fish  dji-ota completion fish > ~/.config/fish/completions/dji-ota.fish

Examples:
  $ dji-ota completion bash
  $ dji-ota completion fish > ~/.config/fish/completions/dji-ota.fish`,
  );
}
