import type { CommandContext, TextOutput } from '../../lib/plugin/contract.ts';
import { loadPlugins, OWN_PLUGINS } from '../../lib/plugin/loader.ts';
import { PluginRegistry } from '../../lib/plugin/registry.ts';
import { NodeFiles } from '../../lib/reactor/node/files.ts';

/** An output that keeps what is written to it. */
export class KeptOutput implements TextOutput {
  text = '';
  readonly isTerminal: boolean;
  readonly columns: number;

  constructor(isTerminal = false, columns = 100) {
    this.isTerminal = isTerminal;
    this.columns = columns;
  }

  write(text: string): void {
    this.text += text;
  }

  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '');
  }

  /** The events of --json. */
  get events(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

/** A command's context whose outputs are kept. */
export interface KeptContext extends CommandContext {
  readonly output: KeptOutput;
  readonly messages: KeptOutput;
  readonly plugins: PluginRegistry;
}

interface ContextOptions {
  readonly isTerminal?: boolean;
  readonly environment?: Record<string, string>;
}

/** A context with the package's own plugins. */
export async function commandContext(options: ContextOptions = {}): Promise<KeptContext> {
  const plugins = new PluginRegistry();
  await loadPlugins(OWN_PLUGINS, new NodeFiles(), plugins);
  return contextWith(plugins, options);
}

export function contextWith(plugins: PluginRegistry, options: ContextOptions = {}): KeptContext {
  return {
    plugins,
    output: new KeptOutput(options.isTerminal),
    messages: new KeptOutput(options.isTerminal),
    environment: options.environment ?? {},
  };
}
