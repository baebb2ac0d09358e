/** The messages of `proto/sphynx/v1/*.proto` as tables; documented there; a test compares both. */
import type { FieldShape, MessageType } from './protobuf.ts';

const text = (id: number): FieldShape => ({ id, type: 'string' });
const whole = (id: number): FieldShape => ({ id, type: 'uint' });
const one = (id: number, type: MessageType): FieldShape => ({ id, type });

const empty: MessageType = { fields: {} };

/** `Segment`; its data field comes last. */
export const SEGMENT = {
  fields: { kind: whole(1), layer: whole(2), offset: whole(3), data: { id: 4, type: 'bytes' } },
} as const satisfies MessageType;

const quote: MessageType = {
  fields: {
    offlineBytes: whole(1),
    onlineBytes: whole(2),
    offlineProcessorMs: whole(3),
    expectedWaitMs: whole(4),
  },
};

const allowance: MessageType = {
  fields: {
    bundles: whole(1),
    inferencesInHour: whole(2),
    inferences: whole(3),
    preparationsInHour: whole(4),
    preparations: whole(5),
    hourEndsMs: whole(6),
  },
};

const modelSummary: MessageType = {
  fields: {
    name: text(1),
    hash: text(2),
    inputChannels: whole(3),
    inputHeight: whole(4),
    inputWidth: whole(5),
    classes: whole(6),
    relus: whole(7),
    macs: whole(8),
    quote: one(9, quote),
    output: text(10),
    inputKind: text(11),
    head: text(12),
  },
};

/** Request and response types of each call of `sphynx.v1.PrivateInference`. */
export const CALLS = {
  ListModels: {
    request: empty,
    response: {
      fields: { models: { id: 1, type: modelSummary, repeated: true }, serverTimeMs: whole(2) },
    },
  },
  GetModelCard: {
    request: { fields: { model: text(1) } },
    response: {
      fields: {
        cardJson: text(1),
        modelHash: text(2),
        planHash: text(3),
        quote: one(4, quote),
        setting: text(5),
      },
    },
  },
  Preprocess: {
    request: {
      oneof: true,
      fields: {
        hello: one(1, {
          fields: {
            model: text(1),
            modelHash: text(2),
            planHash: text(3),
            count: whole(4),
            lost: { id: 5, type: 'string', repeated: true },
          },
        }),
        begin: one(2, empty),
        segment: one(3, SEGMENT),
        commit: one(4, { fields: { bundleId: text(1) } }),
      },
    },
    response: {
      oneof: true,
      fields: {
        accepted: one(1, {
          fields: {
            session: text(1),
            quote: one(2, quote),
            bundleLifetimeSeconds: whole(3),
            allowance: one(4, allowance),
          },
        }),
        offer: one(2, { fields: { bundleId: text(1), expiresAtMs: whole(2) } }),
        segment: one(3, SEGMENT),
        ready: one(4, { fields: { bundleId: text(1) } }),
      },
    },
  },
  Infer: {
    request: {
      oneof: true,
      fields: {
        spend: one(1, {
          fields: { bundleId: text(1), model: text(2), modelHash: text(3), planHash: text(4) },
        }),
        segment: one(2, SEGMENT),
      },
    },
    response: { oneof: true, fields: { spending: one(1, empty), segment: one(2, SEGMENT) } },
  },
} as const satisfies Record<string, { request: MessageType; response: MessageType }>;

export type CallName = keyof typeof CALLS;

/** `CallHeader` and `CallStatus` of web_socket.proto. */
export const CALL_HEADER: MessageType = { fields: { client: text(1), authorization: text(2) } };
export const CALL_STATUS: MessageType = {
  fields: { code: text(1), message: text(2), retryAfterMs: whole(3) },
};
