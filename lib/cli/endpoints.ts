import { parseEndpoint, quoteEndpointArgument } from '../endpoints/parse.ts';
import { EndpointRegistry } from '../endpoints/registry.ts';
import type { Address } from '../interfaces/address.ts';
import type { PluginCatalogue } from '../plugin/contract.ts';

/** The endpoint words that plugins bring. Two plugins for one word fail when the word is used. */
export function endpointsOf(plugins: PluginCatalogue): EndpointRegistry {
  const registry = new EndpointRegistry();
  const words = new Set(plugins.ofKind('endpoint').map(({ plugin }) => plugin.name));
  for (const word of words) {
    registry.add(word, async () => {
      const plugin = plugins.find('endpoint', word);
      if (plugin === undefined) throw new Error(`the plugin for ${word}: is gone`);
      return plugin.load();
    });
  }
  return registry;
}

/** The endpoint to listen at, on `host` unless the text itself names an interface. */
export function onInterface(text: string, host: string): string {
  if ('interface' in parseEndpoint(text).options) return text;
  return `${text}:interface=${quoteEndpointArgument(host)}`;
}

/** `host:port`, as it is written in endpoints. */
export function addressText(address: Address): string {
  if (address.type === 'memory') return address.name;
  const host = address.family === 'IPv6' ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
