// Original file: proto/toolgate/v1/registry.proto

import type { LeaseRef as _toolgate_v1_LeaseRef, LeaseRef__Output as _toolgate_v1_LeaseRef__Output } from '../../toolgate/v1/LeaseRef.js';
import type { CallInHand as _toolgate_v1_CallInHand, CallInHand__Output as _toolgate_v1_CallInHand__Output } from '../../toolgate/v1/CallInHand.js';

export interface Hello {
  'lease'?: (_toolgate_v1_LeaseRef | null);
  'maxInFlight'?: (number);
  'inHand'?: (_toolgate_v1_CallInHand)[];
  'maxMessageBytes'?: (number);
  'clientVersion'?: (string);
}

export interface Hello__Output {
  'lease': (_toolgate_v1_LeaseRef__Output | null);
  'maxInFlight': (number);
  'inHand': (_toolgate_v1_CallInHand__Output)[];
  'maxMessageBytes': (number);
  'clientVersion': (string);
}
