/**
 * What strangers write, made safe for a terminal: whatever would move the cursor, begin another line, turn the direction
 * of writing, or not be seen at all is shown as its code point. Joiners stay: some scripts, and emoji, need them.
 */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
}
