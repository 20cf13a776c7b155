import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

/** A zip of these files in base64, as OpenWhisk's API carries it. */
export async function zipOf(files: Readonly<Record<string, string>>, compress = true): Promise<string> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(text), name, { compress });
  }
  zip.end();
  return (await buffer(zip.outputStream)).toString('base64');
}

/** The same without compression: as long as its files. */
export async function storedZipOf(files: Readonly<Record<string, string>>): Promise<string> {
  return await zipOf(files, false);
}
