/** Takes pictures into the page: chosen, dropped, pasted, taken with the camera, or samples. */
import { SphynxError } from '../browser/index.ts';
import { openCamera } from './camera.ts';
import { element, show } from './elements.ts';

export interface Picture {
  readonly name: string;
  readonly blob: Blob;
}

/** Passes every picture to `take` and every error to `fail`. */
export function watchPictures(take: (picture: Picture) => void, fail: (error: unknown) => void): void {
  const takeFile = (file: File | null | undefined) => file && take({ name: file.name, blob: file });
  const input = element<HTMLInputElement>('file');
  input.addEventListener('change', () => {
    takeFile(input.files?.[0]);
    // Allows choosing the same file again.
    input.value = '';
  });
  const drop = element('drop');
  const over = (event: DragEvent) => {
    event.preventDefault();
    drop.classList.toggle('over', event.type === 'dragover');
    if (event.type === 'drop') takeFile(event.dataTransfer?.files[0]);
  };
  for (const type of ['dragover', 'dragleave', 'drop'] as const) addEventListener(type, over);
  addEventListener('paste', ({ clipboardData }) => takeFile(clipboardData?.files[0]));
  element('samples').addEventListener('click', async ({ target }) => {
    const button = (target as Element).closest('button');
    if (!button) return;
    try {
      // The page already shows it.
      const response = await fetch(button.value, { cache: 'force-cache' });
      take({ name: (button.firstElementChild as HTMLImageElement).alt, blob: await response.blob() });
    } catch (cause) {
      fail(new SphynxError('server/unreachable', `cannot fetch ${button.value}`, { cause }));
    }
  });
  show('camera-open', navigator.mediaDevices?.getUserMedia !== undefined);
  element('camera-open').addEventListener('click', () =>
    openCamera((blob) => take({ name: 'picture from the camera', blob }), fail),
  );
}

/** Shows a picture where it was dropped. */
export function preview({ name, blob }: Picture): void {
  const image = element<HTMLImageElement>('preview');
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(blob);
  image.alt = name;
  show('preview');
  show('invitation', false);
}
