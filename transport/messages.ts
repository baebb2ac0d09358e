/** The messages of `proto/sphynx/v1/private_inference.proto` as proto-loader gives them; documented there. */
import type { OutputHead } from '../model/head.ts';
import type { InputKind } from '../model/input-kind.ts';
import type { Output } from '../model/output.ts';

/** What a server says that an image will cost. */
export interface Quote {
  /** Payload of preparing one bundle, both directions (bytes). */
  offlineBytes: number;
  /** Payload of one inference, both directions (bytes). */
  onlineBytes: number;
  /** Processor time of the server for one bundle (ms); 0 until it has prepared some. */
  offlineProcessorMs: number;
  /** How long a preparation that is asked for now would wait for its turn (ms). */
  expectedWaitMs: number;
}

/** What a server tells of each of its models. */
export interface ModelSummary {
  /** Name that clients call it by. */
  name: string;
  /** SHA-256 (hex) over the card and the integer weights. */
  hash: string;
  /** Channels of an input: 3 of a colour picture, 1 of a grey one; numbers of a vector. */
  inputChannels: number;
  /** Rows of an input. */
  inputHeight: number;
  /** Columns of an input. */
  inputWidth: number;
  /** Labels of the outputs. */
  classes: number;
  /** ReLUs of one inference. */
  relus: number;
  /** Products of one inference. */
  macs: number;
  /** What an image will cost. */
  quote: Quote;
  /** What clients learn of the logits. */
  output: Output;
  /** What the model reads. */
  inputKind: InputKind;
  /** What its outputs mean. */
  head: OutputHead;
}

export type ListModelsRequest = Record<string, never>;

export interface ListModelsResponse {
  models: ModelSummary[];
  serverTimeMs: number;
}

export interface GetModelCardRequest {
  model: string;
}

export interface GetModelCardResponse {
  cardJson: string;
  modelHash: string;
  planHash: string;
  quote: Quote;
  setting: string;
}

/** `kind` counts from 1 in the order of SEGMENT_KINDS; 0 is unspecified. */
export interface WireSegment {
  kind: number;
  layer: number;
  offset: number;
  data: Uint8Array;
}

/** What every stream can carry. */
export interface SegmentMessage {
  segment: WireSegment;
}

export interface PreprocessRequests extends SegmentMessage {
  hello: { model: string; modelHash: string; planHash: string; count: number; lost?: string[] };
  begin: Record<string, never>;
  commit: { bundleId: string };
}

export interface Allowance {
  bundles: number;
  inferencesInHour: number;
  inferences: number;
  preparationsInHour: number;
  preparations: number;
  hourEndsMs: number;
}

export interface PreprocessResponses extends SegmentMessage {
  accepted: { session: string; quote: Quote; bundleLifetimeSeconds: number; allowance?: Allowance | null };
  offer: { bundleId: string; expiresAtMs: number };
  ready: { bundleId: string };
}

export interface InferRequests extends SegmentMessage {
  spend: { bundleId: string; model: string; modelHash: string; planHash: string };
}

export interface InferResponses extends SegmentMessage {
  spending: Record<string, never>;
}

/** One of the named messages, for sending: `{ hello: {...} }`. */
export type OneOf<Messages> = { [Name in keyof Messages]: { [Key in Name]: Messages[Name] } }[keyof Messages];

/** One of the named messages, as received: `message` says which one is there. */
export type Received<Messages> = { message?: keyof Messages & string } & Partial<Messages>;
