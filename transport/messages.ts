/** The messages of `proto/sphynx/v1/private_inference.proto` as proto-loader gives them; documented there. */
import type { OutputHead } from '../model/head.ts';
import type { InputKind } from '../model/input-kind.ts';
import type { Output } from '../model/output.ts';

export interface Quote {
  offlineBytes: number;
  onlineBytes: number;
  offlineProcessorMs: number;
  expectedWaitMs: number;
}

export interface ModelSummary {
  name: string;
  hash: string;
  inputChannels: number;
  inputHeight: number;
  inputWidth: number;
  classes: number;
  relus: number;
  macs: number;
  quote: Quote;
  output: Output;
  inputKind: InputKind;
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
