// Reads the dashboard's feed as a page does.

/** The first snapshot, as text. */
export async function firstSnapshot(adminUrl: string): Promise<string> {
  const response = await fetch(`${adminUrl}/live`);
  if (response.body === null) throw new Error(`status ${response.status}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const event = /^data: (.*)\n\n/m.exec(text);
    if (event?.[1] !== undefined) return event[1];
  }
  throw new Error('the feed ended');
}
