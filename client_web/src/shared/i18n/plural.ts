/** One text per plural form of the language (Intl.PluralRules); `{n}` stands for the number. */
export interface PluralText {
  readonly other: string;
  readonly zero?: string;
  readonly one?: string;
  readonly two?: string;
  readonly few?: string;
  readonly many?: string;
}

/** The form of `text` for `count`, with the number written as the locale does. */
export function plural(text: PluralText, count: number, locale: string): string {
  const form = text[new Intl.PluralRules(locale).select(count)] ?? text.other;
  return fill(form, { n: new Intl.NumberFormat(locale).format(count) });
}

/** Puts values in place of `{name}`. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
