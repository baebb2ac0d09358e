/** The messages of `proto/sphynx/v1/private_inference.proto` as proto-loader gives them; documented there. */
import type { OutputHead } from '../model/head.ts';
import type { InputKind } from '../model/input-kind.ts';
import type { Output } from '../model/output.ts';

/** A server's estimate of the cost of an image. */
export interface Quote {
  /** Payload of preparing one bundle, both directions (bytes). */
  offlineBytes: number;
  /** Payload of one inference, both directions (bytes). */
  onlineBytes: number;
  /** Processor time of the server for one bundle (ms); 0 until it has prepared one. */
  offlineProcessorMs: number;
  /** Expected wait of a preparation that is requested now (ms). */
  expectedWaitMs: number;
}

/** A server's summary of one of its models. */
export interface ModelSummary {
  /** Name of the model for clients. */
  name: string;
  /** SHA-256 (hex) over the card and the integer weights. */
  hash: string;
  /** Channels of an input: 3 for a colour picture, 1 for a grey one, one per number of a vector. */
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
  /** Cost of an image. */
  quote: Quote;
  /** What clients learn about the logits. */
  output: Output;
  /** Kind of input. */
  inputKind: InputKind;
  /** Meaning of the outputs. */
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

/** The segment that every stream can carry. */
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

/** One of the named messages, as received: `message` is the name of the one that is present. */
export type Received<Messages> = { message?: keyof Messages & string } & Partial<Messages>;
