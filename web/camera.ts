import { SphynxError } from '../browser/index.ts';
import { element } from './elements.ts';

/** Opens a dialog with the camera's view. The camera is on only while the dialog is open. */
export async function openCamera(
  take: (picture: Blob) => void,
  fail: (error: unknown) => void,
): Promise<void> {
  const dialog = element<HTMLDialogElement>('camera');
  const video = element<HTMLVideoElement>('camera-video');
  const button = element<HTMLButtonElement>('camera-open');
  let stream: MediaStream;
  // A second click would open the camera twice, and close it once.
  button.disabled = true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  } catch (cause) {
    const why =
      (cause as DOMException).name === 'NotFoundError'
        ? 'this device has none that is free'
        : 'this page may not use it; allow it in the browser, or choose a picture instead';
    fail(new SphynxError('image/unreadable', `the camera does not open: ${why}`, { cause }));
    return;
  } finally {
    button.disabled = false;
  }
  video.srcObject = stream;
  const shutter = element<HTMLButtonElement>('camera-take');
  shutter.onclick = async () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    const blob = await canvas.convertToBlob();
    dialog.close();
    take(blob);
  };
  element('camera-close').onclick = () => dialog.close();
  dialog.onclose = () => {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
  };
  // There is no image yet.
  shutter.disabled = true;
  dialog.showModal();
  // Rejected if the dialog is closed first.
  await video.play().catch(() => {});
  shutter.disabled = false;
  shutter.focus();
}
