import { kernels } from '../kernels/load.ts';
import type { BundleSource } from './bundle.ts';
import { elementChunks, type LayerPlan, type Plan, storedBytes } from './plan.ts';

/** The part of a bundle for one chunk of a layer. Valid until WINDOW_CHUNKS more chunks are loaded. */
export interface LoadedChunk {
  readonly clientLabels: Uint8Array;
  readonly tables: Uint8Array;
}

/** Chunks that are loaded ahead of their evaluation, at most. */
const WINDOW_CHUNKS = 8;

/** Unused window buffers in this thread's kernel memory, as many as inferences ever ran concurrently. */
const spares: Uint8Array[] = [];

/**
 * Reads a bundle's tables chunk by chunk, ahead of their use: the client loads while it waits for the server. The
 * chunks are loaded into the kernel memory, always the same pages, and evaluated there without a copy.
 */
export class BundleWindow {
  readonly #source: BundleSource;
  readonly #slotBytes: number;
  readonly #room: Uint8Array;
  #layer: LayerPlan | undefined;
  #loaded: LoadedChunk[] = [];
  #nextChunk = 0;
  #nextSlot = 0;

  constructor(source: BundleSource, plan: Plan) {
    this.#source = source;
    const chunks = plan.layers.flatMap(elementChunks);
    this.#slotBytes = chunks.reduce((most, chunk) => Math.max(most, storedBytes(chunk)), 0);
    this.#room = takeRoom(WINDOW_CHUNKS * this.#slotBytes);
  }

  /** Begins a layer: the following chunks belong to it. */
  enter(layer: LayerPlan): void {
    this.#layer = layer;
    this.#nextChunk = 0;
  }

  /** Loads one more chunk of the layer. Returns false if all are loaded or the window is full. Errors as the source's. */
  loadAhead(): boolean {
    const layer = this.#layer;
    if (!layer || this.#nextChunk === layer.chunks.length || this.#loaded.length === WINDOW_CHUNKS)
      return false;
    const chunk = layer.chunks[this.#nextChunk++];
    const labels = chunk.bytes.kept.labels * chunk.count;
    const start = this.#nextSlot * this.#slotBytes;
    const stored = this.#room.subarray(start, start + storedBytes(chunk));
    this.#nextSlot = (this.#nextSlot + 1) % WINDOW_CHUNKS;
    this.#source.read(stored);
    this.#loaded.push({ clientLabels: stored.subarray(0, labels), tables: stored.subarray(labels) });
    return true;
  }

  /** Returns the next chunk of the layer, and loads it if necessary. */
  next(): LoadedChunk {
    if (this.#loaded.length === 0) this.loadAhead();
    return this.#loaded.shift() as LoadedChunk;
  }

  /** Clears the buffer and releases it to the next inference. Call it once. */
  close(): void {
    this.#room.fill(0);
    spares.push(this.#room);
  }
}

function takeRoom(size: number): Uint8Array {
  const found = spares.findIndex((room) => room.length >= size);
  return found < 0 ? kernels().memory.keep(size) : spares.splice(found, 1)[0];
}
