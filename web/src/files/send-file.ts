import { AppError, ErrorBody } from '@terrarium/contract';

interface SendOptions {
  /** False refuses (PreconditionFailed) when something is there already. */
  overwrite: boolean;
  signal: AbortSignal;
  onProgress: (sentBytes: number) => void;
}

/**
 * PUTs a file. XMLHttpRequest, because fetch cannot tell how much of a body has been sent.
 * @throws AppError  the server's; `DriverUnavailable` when it cannot be reached. An aborted send throws the signal's reason.
 */
export function sendFile(url: string, file: Blob, { overwrite, signal, onProgress }: SendOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', url);
    request.setRequestHeader('content-type', file.type === '' ? 'application/octet-stream' : file.type);
    if (!overwrite) request.setRequestHeader('if-none-match', '*');
    request.upload.addEventListener('progress', (event) => onProgress(event.loaded));
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(refusal(request));
    });
    request.addEventListener('error', () =>
      reject(new AppError('DriverUnavailable', `The connection broke before "${nameOf(file)}" was stored. Try again.`)),
    );
    request.addEventListener('abort', () => reject(signal.reason));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    if (signal.aborted) reject(signal.reason);
    else request.send(file);
  });
}

function nameOf(file: Blob): string {
  return file instanceof File ? file.name : 'the file';
}

function refusal(request: XMLHttpRequest): AppError {
  try {
    const { code, message, fields } = ErrorBody.parse(JSON.parse(request.responseText));
    return new AppError(code, message, fields === undefined ? {} : { fields });
  } catch {
    return new AppError('Internal', `The server answered ${String(request.status)} ${request.statusText}.`);
  }
}
