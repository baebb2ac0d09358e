/** gRPC options for the limits that client and server share. */
import type { ChannelOptions } from '@grpc/grpc-js';
import { FLOW_CONTROL_BYTES, KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, MESSAGE_BYTES } from '../limits.ts';

/** gRPC options that both sides set. */
export const SHARED_CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': MESSAGE_BYTES,
  'grpc.max_send_message_length': MESSAGE_BYTES,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
};

/**
 * gRPC options of a client. Retries are off, because a refused call may have burned its bundle. Without a retry buffer,
 * a write completes when the message has left, which backpressure needs.
 */
export const CLIENT_CHANNEL_OPTIONS: ChannelOptions = {
  ...SHARED_CHANNEL_OPTIONS,
  'grpc-node.flow_control_window': FLOW_CONTROL_BYTES,
  'grpc.enable_retries': 0,
  'grpc.per_rpc_retry_buffer_size': 0,
};
