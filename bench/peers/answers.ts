/** Sends a request with a token and reads JSON. @throws Error with the answer when it is not 2xx */
export async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  options: { authorization: string; body?: unknown; signal: AbortSignal },
): Promise<{ status: number; value: unknown }> {
  const init: RequestInit = {
    method,
    headers: { authorization: options.authorization, 'content-type': 'application/json' },
    signal: options.signal,
  };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${String(response.status)} ${text.slice(0, 500)}`);
  return { status: response.status, value: text === '' ? null : (JSON.parse(text) as unknown) };
}

/** A text field of a JSON object. @throws Error when it is not there */
export function field(value: unknown, name: string): string {
  if (typeof value === 'object' && value !== null && name in value) {
    const found: unknown = Reflect.get(value, name);
    if (typeof found === 'string') return found;
  }
  throw new Error(`There is no ${name} in ${JSON.stringify(value).slice(0, 300)}.`);
}
