// Original file: proto/toolgate/v1/registry.proto

import type { Hello as _toolgate_v1_Hello, Hello__Output as _toolgate_v1_Hello__Output } from '../../toolgate/v1/Hello.js';
import type { ProviderDelta as _toolgate_v1_ProviderDelta, ProviderDelta__Output as _toolgate_v1_ProviderDelta__Output } from '../../toolgate/v1/ProviderDelta.js';
import type { ProviderResult as _toolgate_v1_ProviderResult, ProviderResult__Output as _toolgate_v1_ProviderResult__Output } from '../../toolgate/v1/ProviderResult.js';
import type { ProviderPong as _toolgate_v1_ProviderPong, ProviderPong__Output as _toolgate_v1_ProviderPong__Output } from '../../toolgate/v1/ProviderPong.js';
import type { Heartbeat as _toolgate_v1_Heartbeat, Heartbeat__Output as _toolgate_v1_Heartbeat__Output } from '../../toolgate/v1/Heartbeat.js';
import type { DrainNotice as _toolgate_v1_DrainNotice, DrainNotice__Output as _toolgate_v1_DrainNotice__Output } from '../../toolgate/v1/DrainNotice.js';

export interface AttachRequest {
  'hello'?: (_toolgate_v1_Hello | null);
  'deltas'?: (_toolgate_v1_ProviderDelta)[];
  'results'?: (_toolgate_v1_ProviderResult)[];
  'pongs'?: (_toolgate_v1_ProviderPong)[];
  'heartbeat'?: (_toolgate_v1_Heartbeat | null);
  'drain'?: (_toolgate_v1_DrainNotice | null);
}

export interface AttachRequest__Output {
  'hello': (_toolgate_v1_Hello__Output | null);
  'deltas': (_toolgate_v1_ProviderDelta__Output)[];
  'results': (_toolgate_v1_ProviderResult__Output)[];
  'pongs': (_toolgate_v1_ProviderPong__Output)[];
  'heartbeat': (_toolgate_v1_Heartbeat__Output | null);
  'drain': (_toolgate_v1_DrainNotice__Output | null);
}
