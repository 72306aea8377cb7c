// Original file: proto/toolgate/v1/contract.proto

import type { Long } from '@grpc/proto-loader';

export interface Limits {
  'maxPayloadBytes'?: (number);
  'maxResultBytes'?: (number);
  'maxMessageBytes'?: (number);
  'maxOutputBytes'?: (number | string | Long);
  'maxDeltas'?: (number);
  'defaultTimeoutMs'?: (number);
  'maxTimeoutMs'?: (number);
  'maxContractBytes'?: (number);
  'maxSchemaBytes'?: (number);
}

export interface Limits__Output {
  'maxPayloadBytes': (number);
  'maxResultBytes': (number);
  'maxMessageBytes': (number);
  'maxOutputBytes': (number);
  'maxDeltas': (number);
  'defaultTimeoutMs': (number);
  'maxTimeoutMs': (number);
  'maxContractBytes': (number);
  'maxSchemaBytes': (number);
}
