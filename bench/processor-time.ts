import type { Party } from './party.ts';

/** Processor time of both processes, including all their threads, user and system (ms). */
export interface ProcessorMs {
  readonly server: number;
  readonly client: number;
}

/** Processor time of both processes per image. */
export interface ProcessorMsPerImage {
  readonly preparation: ProcessorMs;
  readonly inference: ProcessorMs;
  readonly together: ProcessorMs;
}

type Phase = 'preparation' | 'inference';

/** Sums the processor time of both processes while they prepare and infer. */
export class ProcessorMeter {
  readonly #parties: { readonly server: Party<unknown>; readonly client: Party<unknown> };
  readonly #spent: Record<Phase, { server: number; client: number; images: number }> = {
    preparation: { server: 0, client: 0, images: 0 },
    inference: { server: 0, client: 0, images: 0 },
  };

  constructor(parties: { readonly server: Party<unknown>; readonly client: Party<unknown> }) {
    this.#parties = parties;
  }

  /** Runs `work` on `images` and adds its processor time to the phase. */
  async during<Result>(phase: Phase, images: number, work: () => Promise<Result>): Promise<Result> {
    const before = await this.#now();
    const result = await work();
    const after = await this.#now();
    const spent = this.#spent[phase];
    spent.server += after.server - before.server;
    spent.client += after.client - before.client;
    spent.images += images;
    return result;
  }

  get perImage(): ProcessorMsPerImage {
    const { preparation, inference } = {
      preparation: this.#mean('preparation'),
      inference: this.#mean('inference'),
    };
    const together = {
      server: preparation.server + inference.server,
      client: preparation.client + inference.client,
    };
    return { preparation, inference, together };
  }

  #mean(phase: Phase): ProcessorMs {
    const { server, client, images } = this.#spent[phase];
    return { server: server / Math.max(1, images), client: client / Math.max(1, images) };
  }

  async #now(): Promise<ProcessorMs> {
    const { server, client } = this.#parties;
    return {
      server: await server.ask<number>('processorMs'),
      client: await client.ask<number>('processorMs'),
    };
  }
}
