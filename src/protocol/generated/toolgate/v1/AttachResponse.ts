// Original file: proto/toolgate/v1/registry.proto

import type { Welcome as _toolgate_v1_Welcome, Welcome__Output as _toolgate_v1_Welcome__Output } from '../../toolgate/v1/Welcome.js';
import type { ProviderCall as _toolgate_v1_ProviderCall, ProviderCall__Output as _toolgate_v1_ProviderCall__Output } from '../../toolgate/v1/ProviderCall.js';
import type { Ping as _toolgate_v1_Ping, Ping__Output as _toolgate_v1_Ping__Output } from '../../toolgate/v1/Ping.js';
import type { CancelNotice as _toolgate_v1_CancelNotice, CancelNotice__Output as _toolgate_v1_CancelNotice__Output } from '../../toolgate/v1/CancelNotice.js';
import type { Settled as _toolgate_v1_Settled, Settled__Output as _toolgate_v1_Settled__Output } from '../../toolgate/v1/Settled.js';
import type { Superseded as _toolgate_v1_Superseded, Superseded__Output as _toolgate_v1_Superseded__Output } from '../../toolgate/v1/Superseded.js';
import type { GoAway as _toolgate_v1_GoAway, GoAway__Output as _toolgate_v1_GoAway__Output } from '../../toolgate/v1/GoAway.js';
import type { FlowControl as _toolgate_v1_FlowControl, FlowControl__Output as _toolgate_v1_FlowControl__Output } from '../../toolgate/v1/FlowControl.js';
import type { Heartbeat as _toolgate_v1_Heartbeat, Heartbeat__Output as _toolgate_v1_Heartbeat__Output } from '../../toolgate/v1/Heartbeat.js';
import type { Ready as _toolgate_v1_Ready, Ready__Output as _toolgate_v1_Ready__Output } from '../../toolgate/v1/Ready.js';

export interface AttachResponse {
  'welcome'?: (_toolgate_v1_Welcome | null);
  'calls'?: (_toolgate_v1_ProviderCall)[];
  'pings'?: (_toolgate_v1_Ping)[];
  'cancels'?: (_toolgate_v1_CancelNotice)[];
  'settled'?: (_toolgate_v1_Settled)[];
  'superseded'?: (_toolgate_v1_Superseded | null);
  'goAway'?: (_toolgate_v1_GoAway | null);
  'flowControl'?: (_toolgate_v1_FlowControl | null);
  'heartbeat'?: (_toolgate_v1_Heartbeat | null);
  'ready'?: (_toolgate_v1_Ready | null);
}

export interface AttachResponse__Output {
  'welcome': (_toolgate_v1_Welcome__Output | null);
  'calls': (_toolgate_v1_ProviderCall__Output)[];
  'pings': (_toolgate_v1_Ping__Output)[];
  'cancels': (_toolgate_v1_CancelNotice__Output)[];
  'settled': (_toolgate_v1_Settled__Output)[];
  'superseded': (_toolgate_v1_Superseded__Output | null);
  'goAway': (_toolgate_v1_GoAway__Output | null);
  'flowControl': (_toolgate_v1_FlowControl__Output | null);
  'heartbeat': (_toolgate_v1_Heartbeat__Output | null);
  'ready': (_toolgate_v1_Ready__Output | null);
}
