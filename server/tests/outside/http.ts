export type Json = Record<string, unknown>;

/** The answer's body, which every route of these stories promises to be a JSON object. */
export async function json(response: Response): Promise<Json> {
  return (await response.json()) as Json;
}

/** Server-sent events as a script reads them: lines of a plain fetch. */
export async function openEvents(facts: { url: string; token: string }, lastEventId?: string) {
  const abort = new AbortController();
  const response = await fetch(`${facts.url}/api/events`, {
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${facts.token}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
  });
  if (response.body === null || !response.ok) throw new Error(`The events answered ${String(response.status)}.`);
  const seen: Json[] = [];
  const kinds: string[] = [];
  let lastId = '';
  const read = async (body: ReadableStream<Uint8Array>) => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      text += decoder.decode(chunk, { stream: true });
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const fields = new Map(
          text
            .slice(0, end)
            .split('\n')
            .map((line) => splitField(line)),
        );
        text = text.slice(end + 2);
        lastId = fields.get('id') ?? lastId;
        if (fields.has('event')) kinds.push(fields.get('event') ?? '');
        if (fields.get('event') === 'change') seen.push(JSON.parse(fields.get('data') ?? '{}') as Json);
      }
    }
  };
  const done = read(response.body).catch(() => undefined);
  return {
    seen,
    kinds,
    lastId: () => lastId,
    close() {
      abort.abort();
      return done;
    },
  };
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
}
