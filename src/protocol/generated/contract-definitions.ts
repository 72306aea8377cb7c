// Made by `npm run generate` from the files in proto.
/** The wire contract and the details of its errors. As JSON of protobufjs. */
export const CONTRACT_DEFINITIONS: string = String.raw`{
 "nested": {
  "google": {
   "nested": {
    "protobuf": {
     "nested": {
      "Duration": {
       "fields": {
        "seconds": {
         "type": "int64",
         "id": 1
        },
        "nanos": {
         "type": "int32",
         "id": 2
        }
       }
      },
      "Any": {
       "fields": {
        "type_url": {
         "type": "string",
         "id": 1
        },
        "value": {
         "type": "bytes",
         "id": 2
        }
       }
      }
     }
    },
    "rpc": {
     "nested": {
      "ErrorInfo": {
       "fields": {
        "reason": {
         "type": "string",
         "id": 1
        },
        "domain": {
         "type": "string",
         "id": 2
        },
        "metadata": {
         "keyType": "string",
         "type": "string",
         "id": 3
        }
       }
      },
      "RetryInfo": {
       "fields": {
        "retryDelay": {
         "type": "google.protobuf.Duration",
         "id": 1
        }
       }
      },
      "BadRequest": {
       "fields": {
        "fieldViolations": {
         "rule": "repeated",
         "type": "FieldViolation",
         "id": 1
        }
       },
       "nested": {
        "FieldViolation": {
         "fields": {
          "field": {
           "type": "string",
           "id": 1
          },
          "description": {
           "type": "string",
           "id": 2
          }
         }
        }
       }
      },
      "PreconditionFailure": {
       "fields": {
        "violations": {
         "rule": "repeated",
         "type": "Violation",
         "id": 1
        }
       },
       "nested": {
        "Violation": {
         "fields": {
          "type": {
           "type": "string",
           "id": 1
          },
          "subject": {
           "type": "string",
           "id": 2
          },
          "description": {
           "type": "string",
           "id": 3
          }
         }
        }
       }
      },
      "Status": {
       "fields": {
        "code": {
         "type": "int32",
         "id": 1
        },
        "message": {
         "type": "string",
         "id": 2
        },
        "details": {
         "rule": "repeated",
         "type": "google.protobuf.Any",
         "id": 3
        }
       }
      }
     }
    }
   }
  },
  "toolgate": {
   "nested": {
    "v1": {
     "nested": {
      "Access": {
       "methods": {
        "WhoAmI": {
         "requestType": "WhoAmIRequest",
         "responseType": "WhoAmIResponse"
        },
        "Login": {
         "requestType": "LoginRequest",
         "responseType": "LoginResponse"
        },
        "Logout": {
         "requestType": "LogoutRequest",
         "responseType": "LogoutResponse"
        },
        "CreateKey": {
         "requestType": "CreateKeyRequest",
         "responseType": "CreateKeyResponse"
        },
        "RotateKey": {
         "requestType": "RotateKeyRequest",
         "responseType": "RotateKeyResponse"
        },
        "RevokeKey": {
         "requestType": "RevokeKeyRequest",
         "responseType": "RevokeKeyResponse"
        },
        "ListKeys": {
         "requestType": "ListKeysRequest",
         "responseType": "ListKeysResponse"
        },
        "SetPassword": {
         "requestType": "SetPasswordRequest",
         "responseType": "SetPasswordResponse"
        },
        "Explain": {
         "requestType": "ExplainRequest",
         "responseType": "ExplainResponse"
        }
       }
      },
      "WhoAmIRequest": {
       "fields": {}
      },
      "WhoAmIResponse": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "id": {
         "type": "string",
         "id": 2
        },
        "kind": {
         "type": "string",
         "id": 3
        },
        "roles": {
         "rule": "repeated",
         "type": "string",
         "id": 4
        },
        "expiresAtMs": {
         "type": "int64",
         "id": 5
        }
       }
      },
      "LoginRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "user": {
         "type": "string",
         "id": 2
        },
        "password": {
         "type": "string",
         "id": 3
        }
       }
      },
      "LoginResponse": {
       "fields": {
        "sessionToken": {
         "type": "string",
         "id": 1
        },
        "expiresAtMs": {
         "type": "int64",
         "id": 2
        }
       }
      },
      "LogoutRequest": {
       "fields": {}
      },
      "LogoutResponse": {
       "fields": {}
      },
      "CreateKeyRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "principal": {
         "type": "string",
         "id": 2
        },
        "roles": {
         "rule": "repeated",
         "type": "string",
         "id": 3
        },
        "ttlMs": {
         "type": "int64",
         "id": 4
        },
        "reason": {
         "type": "string",
         "id": 5
        }
       }
      },
      "CreateKeyResponse": {
       "fields": {
        "key": {
         "type": "string",
         "id": 1
        },
        "keyId": {
         "type": "string",
         "id": 2
        },
        "expiresAtMs": {
         "type": "int64",
         "id": 3
        }
       }
      },
      "RotateKeyRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "principal": {
         "type": "string",
         "id": 2
        },
        "overlapMs": {
         "type": "int64",
         "id": 3
        },
        "ttlMs": {
         "type": "int64",
         "id": 4
        },
        "reason": {
         "type": "string",
         "id": 5
        }
       }
      },
      "RotateKeyResponse": {
       "fields": {
        "key": {
         "type": "string",
         "id": 1
        },
        "keyId": {
         "type": "string",
         "id": 2
        },
        "expiresAtMs": {
         "type": "int64",
         "id": 3
        },
        "formerUntilMs": {
         "type": "int64",
         "id": 4
        }
       }
      },
      "RevokeKeyRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "principal": {
         "type": "string",
         "id": 2
        },
        "keyId": {
         "type": "string",
         "id": 3
        },
        "reason": {
         "type": "string",
         "id": 4
        }
       }
      },
      "RevokeKeyResponse": {
       "fields": {
        "revoked": {
         "type": "uint32",
         "id": 1
        }
       }
      },
      "ListKeysRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "pageSize": {
         "type": "uint32",
         "id": 2
        },
        "pageToken": {
         "type": "string",
         "id": 3
        }
       }
      },
      "HeldKey": {
       "fields": {
        "keyId": {
         "type": "string",
         "id": 1
        },
        "createdAtMs": {
         "type": "int64",
         "id": 2
        },
        "expiresAtMs": {
         "type": "int64",
         "id": 3
        },
        "lastUsedAtMs": {
         "type": "int64",
         "id": 4
        }
       }
      },
      "KeyHolder": {
       "fields": {
        "principal": {
         "type": "string",
         "id": 1
        },
        "roles": {
         "rule": "repeated",
         "type": "string",
         "id": 2
        },
        "disabled": {
         "type": "bool",
         "id": 3
        },
        "keys": {
         "rule": "repeated",
         "type": "HeldKey",
         "id": 4
        }
       }
      },
      "ListKeysResponse": {
       "fields": {
        "holders": {
         "rule": "repeated",
         "type": "KeyHolder",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        }
       }
      },
      "SetPasswordRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "user": {
         "type": "string",
         "id": 2
        },
        "password": {
         "type": "string",
         "id": 3
        },
        "roles": {
         "rule": "repeated",
         "type": "string",
         "id": 4
        },
        "reason": {
         "type": "string",
         "id": 5
        }
       }
      },
      "SetPasswordResponse": {
       "fields": {}
      },
      "ExplainRequest": {
       "fields": {
        "principal": {
         "type": "string",
         "id": 1
        },
        "roles": {
         "rule": "repeated",
         "type": "string",
         "id": 2
        },
        "toolset": {
         "type": "string",
         "id": 3
        },
        "tool": {
         "type": "string",
         "id": 4
        },
        "payloadJson": {
         "type": "bytes",
         "id": 5
        }
       }
      },
      "ExplainedGate": {
       "fields": {
        "gate": {
         "type": "string",
         "id": 1
        },
        "verdict": {
         "type": "string",
         "id": 2
        },
        "detail": {
         "type": "string",
         "id": 3
        },
        "remedy": {
         "type": "string",
         "id": 4
        },
        "reason": {
         "type": "string",
         "id": 5
        }
       }
      },
      "ExplainResponse": {
       "fields": {
        "gates": {
         "rule": "repeated",
         "type": "ExplainedGate",
         "id": 1
        },
        "outcome": {
         "type": "string",
         "id": 2
        }
       }
      },
      "Audit": {
       "methods": {
        "QueryAudit": {
         "requestType": "QueryAuditRequest",
         "responseType": "QueryAuditResponse"
        },
        "TailAudit": {
         "requestType": "TailAuditRequest",
         "responseType": "TailAuditResponse",
         "responseStream": true
        },
        "VerifyAudit": {
         "requestType": "VerifyAuditRequest",
         "responseType": "VerifyAuditResponse"
        }
       }
      },
      "AuditRecord": {
       "fields": {
        "id": {
         "type": "string",
         "id": 1
        },
        "atMs": {
         "type": "int64",
         "id": 2
        },
        "event": {
         "type": "string",
         "id": 3
        },
        "tenant": {
         "type": "string",
         "id": 4
        },
        "principal": {
         "type": "string",
         "id": 5
        },
        "kind": {
         "type": "string",
         "id": 6
        },
        "credential": {
         "type": "string",
         "id": 7
        },
        "verb": {
         "type": "string",
         "id": 8
        },
        "toolset": {
         "type": "string",
         "id": 9
        },
        "tool": {
         "type": "string",
         "id": 10
        },
        "callId": {
         "type": "string",
         "id": 11
        },
        "argumentsDigest": {
         "type": "string",
         "id": 12
        },
        "contractDigest": {
         "type": "string",
         "id": 13
        },
        "policyRevision": {
         "type": "int64",
         "id": 14
        },
        "rule": {
         "type": "string",
         "id": 15
        },
        "outcome": {
         "type": "string",
         "id": 16
        },
        "reason": {
         "type": "string",
         "id": 17
        },
        "executed": {
         "type": "Executed",
         "id": 18
        },
        "tookMs": {
         "type": "int64",
         "id": 19
        },
        "nodeId": {
         "type": "string",
         "id": 20
        },
        "omitted": {
         "type": "uint64",
         "id": 21
        }
       }
      },
      "AuditFilter": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "fromMs": {
         "type": "int64",
         "id": 2
        },
        "untilMs": {
         "type": "int64",
         "id": 3
        },
        "principal": {
         "type": "string",
         "id": 4
        },
        "event": {
         "type": "string",
         "id": 5
        },
        "toolset": {
         "type": "string",
         "id": 6
        },
        "tool": {
         "type": "string",
         "id": 7
        },
        "callId": {
         "type": "string",
         "id": 8
        },
        "outcome": {
         "type": "string",
         "id": 9
        }
       }
      },
      "QueryAuditRequest": {
       "fields": {
        "filter": {
         "type": "AuditFilter",
         "id": 1
        },
        "pageSize": {
         "type": "uint32",
         "id": 2
        },
        "pageToken": {
         "type": "string",
         "id": 3
        }
       }
      },
      "QueryAuditResponse": {
       "fields": {
        "records": {
         "rule": "repeated",
         "type": "AuditRecord",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        }
       }
      },
      "TailAuditRequest": {
       "fields": {
        "filter": {
         "type": "AuditFilter",
         "id": 1
        }
       }
      },
      "TailAuditResponse": {
       "fields": {
        "records": {
         "rule": "repeated",
         "type": "AuditRecord",
         "id": 1
        }
       }
      },
      "VerifyAuditRequest": {
       "fields": {
        "fromMs": {
         "type": "int64",
         "id": 1
        }
       }
      },
      "AuditFault": {
       "fields": {
        "id": {
         "type": "string",
         "id": 1
        },
        "message": {
         "type": "string",
         "id": 2
        }
       }
      },
      "VerifyAuditResponse": {
       "fields": {
        "records": {
         "type": "uint64",
         "id": 1
        },
        "faults": {
         "rule": "repeated",
         "type": "AuditFault",
         "id": 2
        },
        "sealedUntil": {
         "type": "string",
         "id": 3
        }
       }
      },
      "Gateway": {
       "methods": {
        "CallTool": {
         "requestType": "CallToolRequest",
         "responseType": "CallToolResponse"
        },
        "Invoke": {
         "requestType": "InvokeRequest",
         "responseType": "InvokeResponse"
        },
        "FollowCall": {
         "requestType": "FollowCallRequest",
         "responseType": "FollowCallResponse",
         "responseStream": true
        },
        "GetCall": {
         "requestType": "GetCallRequest",
         "responseType": "GetCallResponse"
        },
        "CancelCall": {
         "requestType": "CancelCallRequest",
         "responseType": "CancelCallResponse"
        },
        "ListCalls": {
         "requestType": "ListCallsRequest",
         "responseType": "ListCallsResponse"
        },
        "Session": {
         "requestType": "SessionRequest",
         "requestStream": true,
         "responseType": "SessionResponse",
         "responseStream": true
        }
       }
      },
      "CallMeta": {
       "fields": {
        "runId": {
         "type": "string",
         "id": 1
        },
        "sessionId": {
         "type": "string",
         "id": 2
        },
        "turnId": {
         "type": "string",
         "id": 3
        },
        "toolCallId": {
         "type": "string",
         "id": 4
        },
        "parentToolCallId": {
         "type": "string",
         "id": 5
        },
        "traceparent": {
         "type": "string",
         "id": 6
        },
        "tracestate": {
         "type": "string",
         "id": 7
        }
       }
      },
      "WaitPolicy": {
       "values": {
        "WAIT_POLICY_UNSPECIFIED": 0,
        "WAIT_POLICY_FAIL_FAST": 1,
        "WAIT_POLICY_WAIT": 2
       }
      },
      "OnDisconnect": {
       "values": {
        "ON_DISCONNECT_UNSPECIFIED": 0,
        "ON_DISCONNECT_CONTINUE": 1,
        "ON_DISCONNECT_CANCEL": 2
       }
      },
      "CallSpec": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "tool": {
         "type": "string",
         "id": 2
        },
        "payloadJson": {
         "type": "bytes",
         "id": 3
        },
        "meta": {
         "type": "CallMeta",
         "id": 4
        },
        "expectDigest": {
         "type": "string",
         "id": 5
        },
        "wait": {
         "type": "WaitPolicy",
         "id": 6
        },
        "onDisconnect": {
         "type": "OnDisconnect",
         "id": 7
        },
        "timeoutMs": {
         "type": "uint32",
         "id": 8
        },
        "lostNodes": {
         "type": "uint32",
         "id": 9
        },
        "webhook": {
         "type": "string",
         "id": 10
        }
       }
      },
      "CallHandle": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "toolset": {
         "type": "string",
         "id": 2
        },
        "tool": {
         "type": "string",
         "id": 3
        },
        "epoch": {
         "type": "uint64",
         "id": 4
        },
        "digest": {
         "type": "string",
         "id": 5
        },
        "deadlineMs": {
         "type": "int64",
         "id": 6
        },
        "expiresMs": {
         "type": "int64",
         "id": 7
        },
        "warnings": {
         "rule": "repeated",
         "type": "string",
         "id": 8
        }
       }
      },
      "TerminalKind": {
       "values": {
        "TERMINAL_KIND_UNSPECIFIED": 0,
        "TERMINAL_KIND_RESULT": 1,
        "TERMINAL_KIND_TOOL_ERROR": 2,
        "TERMINAL_KIND_REJECTED": 3,
        "TERMINAL_KIND_NOT_EXECUTED": 4,
        "TERMINAL_KIND_CANCELLED": 5,
        "TERMINAL_KIND_OUTCOME_UNKNOWN": 6,
        "TERMINAL_KIND_ATTEMPTS_EXHAUSTED": 7
       }
      },
      "Executed": {
       "values": {
        "EXECUTED_UNSPECIFIED": 0,
        "EXECUTED_NO": 1,
        "EXECUTED_YES": 2,
        "EXECUTED_UNKNOWN": 3
       }
      },
      "FieldViolation": {
       "fields": {
        "field": {
         "type": "string",
         "id": 1
        },
        "description": {
         "type": "string",
         "id": 2
        }
       }
      },
      "ErrorOrigin": {
       "values": {
        "ERROR_ORIGIN_UNSPECIFIED": 0,
        "ERROR_ORIGIN_GATEWAY": 1,
        "ERROR_ORIGIN_TOOL": 2
       }
      },
      "CallError": {
       "fields": {
        "reason": {
         "type": "string",
         "id": 1
        },
        "message": {
         "type": "string",
         "id": 2
        },
        "detailsJson": {
         "type": "bytes",
         "id": 3
        },
        "grpcCode": {
         "type": "uint32",
         "id": 4
        },
        "retryAfterMs": {
         "type": "uint32",
         "id": 5
        },
        "violations": {
         "rule": "repeated",
         "type": "FieldViolation",
         "id": 6
        },
        "origin": {
         "type": "ErrorOrigin",
         "id": 7
        },
        "metadata": {
         "rule": "repeated",
         "type": "ErrorMetadata",
         "id": 8
        }
       }
      },
      "ErrorMetadata": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "value": {
         "type": "string",
         "id": 2
        }
       }
      },
      "Terminal": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "kind": {
         "type": "TerminalKind",
         "id": 2
        },
        "resultJson": {
         "type": "bytes",
         "id": 3
        },
        "error": {
         "type": "CallError",
         "id": 4
        },
        "executed": {
         "type": "Executed",
         "id": 5
        },
        "attempt": {
         "type": "uint32",
         "id": 6
        },
        "endedAtMs": {
         "type": "int64",
         "id": 7
        },
        "unchecked": {
         "type": "bool",
         "id": 8
        }
       }
      },
      "CallToolRequest": {
       "fields": {
        "call": {
         "type": "CallSpec",
         "id": 1
        }
       }
      },
      "CallToolResponse": {
       "fields": {
        "handle": {
         "type": "CallHandle",
         "id": 1
        },
        "repeatedRequest": {
         "type": "bool",
         "id": 2
        }
       }
      },
      "InvokeRequest": {
       "fields": {
        "call": {
         "type": "CallSpec",
         "id": 1
        }
       }
      },
      "InvokeResponse": {
       "fields": {
        "handle": {
         "type": "CallHandle",
         "id": 1
        },
        "terminal": {
         "type": "Terminal",
         "id": 2
        }
       }
      },
      "FollowCallRequest": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "cursor": {
         "type": "string",
         "id": 2
        }
       }
      },
      "OutputDelta": {
       "fields": {
        "cursor": {
         "type": "string",
         "id": 1
        },
        "dataJson": {
         "type": "bytes",
         "id": 2
        },
        "attempt": {
         "type": "uint32",
         "id": 3
        }
       }
      },
      "FollowCallResponse": {
       "fields": {
        "deltas": {
         "rule": "repeated",
         "type": "OutputDelta",
         "id": 1
        },
        "terminal": {
         "type": "Terminal",
         "id": 2
        }
       }
      },
      "CallState": {
       "values": {
        "CALL_STATE_UNSPECIFIED": 0,
        "CALL_STATE_QUEUED": 1,
        "CALL_STATE_CLAIMED": 2,
        "CALL_STATE_ENDED": 3
       }
      },
      "GetCallRequest": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        }
       }
      },
      "GetCallResponse": {
       "fields": {
        "handle": {
         "type": "CallHandle",
         "id": 1
        },
        "state": {
         "type": "CallState",
         "id": 2
        },
        "attempt": {
         "type": "uint32",
         "id": 3
        },
        "cancelRequested": {
         "type": "bool",
         "id": 4
        },
        "terminal": {
         "type": "Terminal",
         "id": 5
        },
        "admittedAtMs": {
         "type": "int64",
         "id": 6
        }
       }
      },
      "CancelCallRequest": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        }
       }
      },
      "CancelCallResponse": {
       "fields": {
        "state": {
         "type": "CallState",
         "id": 1
        },
        "terminal": {
         "type": "Terminal",
         "id": 2
        }
       }
      },
      "ListCallsRequest": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "tool": {
         "type": "string",
         "id": 2
        },
        "state": {
         "type": "CallState",
         "id": 3
        },
        "pageSize": {
         "type": "uint32",
         "id": 4
        },
        "pageToken": {
         "type": "string",
         "id": 5
        },
        "principal": {
         "type": "string",
         "id": 6
        },
        "kinds": {
         "rule": "repeated",
         "type": "TerminalKind",
         "id": 7
        },
        "minTotalMs": {
         "type": "int64",
         "id": 8
        },
        "sinceMs": {
         "type": "int64",
         "id": 9
        }
       }
      },
      "CallSummary": {
       "fields": {
        "handle": {
         "type": "CallHandle",
         "id": 1
        },
        "state": {
         "type": "CallState",
         "id": 2
        },
        "attempt": {
         "type": "uint32",
         "id": 3
        },
        "cancelRequested": {
         "type": "bool",
         "id": 4
        },
        "queuedAtMs": {
         "type": "int64",
         "id": 5
        },
        "claimEndsMs": {
         "type": "int64",
         "id": 6
        },
        "providerId": {
         "type": "string",
         "id": 7
        },
        "nodeId": {
         "type": "string",
         "id": 8
        },
        "principal": {
         "type": "string",
         "id": 9
        },
        "admittedAtMs": {
         "type": "int64",
         "id": 10
        },
        "firstClaimedAtMs": {
         "type": "int64",
         "id": 11
        },
        "endedAtMs": {
         "type": "int64",
         "id": 12
        },
        "kind": {
         "type": "TerminalKind",
         "id": 13
        },
        "reason": {
         "type": "string",
         "id": 14
        }
       }
      },
      "ListCallsResponse": {
       "fields": {
        "calls": {
         "rule": "repeated",
         "type": "CallSummary",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        },
        "timeMs": {
         "type": "int64",
         "id": 3
        },
        "sampled": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "SessionCall": {
       "fields": {
        "ref": {
         "type": "uint64",
         "id": 1
        },
        "call": {
         "type": "CallSpec",
         "id": 2
        },
        "wantHandle": {
         "type": "bool",
         "id": 3
        },
        "wantDeltas": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "SessionCancel": {
       "fields": {
        "ref": {
         "type": "uint64",
         "id": 1
        }
       }
      },
      "SessionRequest": {
       "fields": {
        "calls": {
         "rule": "repeated",
         "type": "SessionCall",
         "id": 1
        },
        "cancels": {
         "rule": "repeated",
         "type": "SessionCancel",
         "id": 2
        },
        "maxMessageBytes": {
         "type": "uint32",
         "id": 3
        }
       }
      },
      "SessionAccepted": {
       "fields": {
        "ref": {
         "type": "uint64",
         "id": 1
        },
        "handle": {
         "type": "CallHandle",
         "id": 2
        }
       }
      },
      "SessionDelta": {
       "fields": {
        "ref": {
         "type": "uint64",
         "id": 1
        },
        "delta": {
         "type": "OutputDelta",
         "id": 2
        }
       }
      },
      "SessionTerminal": {
       "fields": {
        "ref": {
         "type": "uint64",
         "id": 1
        },
        "terminal": {
         "type": "Terminal",
         "id": 2
        }
       }
      },
      "SessionResponse": {
       "fields": {
        "accepted": {
         "rule": "repeated",
         "type": "SessionAccepted",
         "id": 1
        },
        "deltas": {
         "rule": "repeated",
         "type": "SessionDelta",
         "id": 2
        },
        "terminals": {
         "rule": "repeated",
         "type": "SessionTerminal",
         "id": 3
        },
        "goAway": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "Catalog": {
       "methods": {
        "ListToolsets": {
         "requestType": "ListToolsetsRequest",
         "responseType": "ListToolsetsResponse"
        },
        "GetToolset": {
         "requestType": "GetToolsetRequest",
         "responseType": "GetToolsetResponse"
        },
        "Search": {
         "requestType": "SearchRequest",
         "responseType": "SearchResponse"
        },
        "Watch": {
         "requestType": "WatchRequest",
         "responseType": "WatchResponse",
         "responseStream": true
        },
        "GetRegistry": {
         "requestType": "GetRegistryRequest",
         "responseType": "GetRegistryResponse"
        }
       }
      },
      "HealthFilter": {
       "values": {
        "HEALTH_FILTER_UNSPECIFIED": 0,
        "HEALTH_FILTER_HEALTHY": 1,
        "HEALTH_FILTER_UNHEALTHY": 2
       }
      },
      "ToolsetSummary": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "title": {
         "type": "string",
         "id": 2
        },
        "description": {
         "type": "string",
         "id": 3
        },
        "version": {
         "type": "string",
         "id": 4
        },
        "tags": {
         "rule": "repeated",
         "type": "string",
         "id": 5
        },
        "toolCount": {
         "type": "uint32",
         "id": 6
        },
        "epochs": {
         "rule": "repeated",
         "type": "Epoch",
         "id": 7
        }
       }
      },
      "QuarantinedToolset": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "reason": {
         "type": "string",
         "id": 2
        }
       }
      },
      "ListToolsetsRequest": {
       "fields": {
        "tags": {
         "rule": "repeated",
         "type": "string",
         "id": 1
        },
        "health": {
         "type": "HealthFilter",
         "id": 2
        },
        "pageSize": {
         "type": "uint32",
         "id": 3
        },
        "pageToken": {
         "type": "string",
         "id": 4
        }
       }
      },
      "ListToolsetsResponse": {
       "fields": {
        "toolsets": {
         "rule": "repeated",
         "type": "ToolsetSummary",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        },
        "stale": {
         "type": "bool",
         "id": 3
        },
        "revision": {
         "type": "string",
         "id": 4
        },
        "quarantined": {
         "rule": "repeated",
         "type": "QuarantinedToolset",
         "id": 5
        }
       }
      },
      "GetToolsetRequest": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "epoch": {
         "type": "uint64",
         "id": 2
        },
        "tools": {
         "rule": "repeated",
         "type": "string",
         "id": 3
        }
       }
      },
      "GetToolsetResponse": {
       "fields": {
        "contract": {
         "type": "Contract",
         "id": 1
        },
        "digest": {
         "type": "string",
         "id": 2
        },
        "epoch": {
         "type": "uint64",
         "id": 3
        },
        "epochs": {
         "rule": "repeated",
         "type": "Epoch",
         "id": 4
        },
        "stale": {
         "type": "bool",
         "id": 5
        }
       }
      },
      "SearchRequest": {
       "fields": {
        "query": {
         "type": "string",
         "id": 1
        },
        "tags": {
         "rule": "repeated",
         "type": "string",
         "id": 2
        },
        "health": {
         "type": "HealthFilter",
         "id": 3
        },
        "pageSize": {
         "type": "uint32",
         "id": 4
        },
        "pageToken": {
         "type": "string",
         "id": 5
        }
       }
      },
      "SearchHit": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "tool": {
         "type": "string",
         "id": 2
        },
        "score": {
         "type": "double",
         "id": 3
        },
        "title": {
         "type": "string",
         "id": 4
        },
        "description": {
         "type": "string",
         "id": 5
        },
        "healthy": {
         "type": "bool",
         "id": 6
        }
       }
      },
      "SearchResponse": {
       "fields": {
        "hits": {
         "rule": "repeated",
         "type": "SearchHit",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        },
        "stale": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "GetRegistryRequest": {
       "fields": {}
      },
      "GetRegistryResponse": {
       "fields": {
        "registry": {
         "type": "string",
         "id": 1
        },
        "nodeId": {
         "type": "string",
         "id": 2
        },
        "version": {
         "type": "string",
         "id": 3
        },
        "limits": {
         "type": "Limits",
         "id": 4
        },
        "nodes": {
         "rule": "repeated",
         "type": "NodeInfo",
         "id": 5
        }
       }
      },
      "NodeInfo": {
       "fields": {
        "nodeId": {
         "type": "string",
         "id": 1
        },
        "version": {
         "type": "string",
         "id": 2
        }
       }
      },
      "WatchRequest": {
       "fields": {
        "revision": {
         "type": "string",
         "id": 1
        },
        "toolsets": {
         "rule": "repeated",
         "type": "string",
         "id": 2
        }
       }
      },
      "ChangeKind": {
       "values": {
        "CHANGE_KIND_UNSPECIFIED": 0,
        "CHANGE_KIND_REGISTERED": 1,
        "CHANGE_KIND_ACTIVATED": 2,
        "CHANGE_KIND_RETIRED": 3,
        "CHANGE_KIND_HEALTHY": 4,
        "CHANGE_KIND_UNHEALTHY": 5,
        "CHANGE_KIND_UNREGISTERED": 6
       }
      },
      "Change": {
       "fields": {
        "kind": {
         "type": "ChangeKind",
         "id": 1
        },
        "toolset": {
         "type": "string",
         "id": 2
        },
        "epoch": {
         "type": "uint64",
         "id": 3
        },
        "atMs": {
         "type": "int64",
         "id": 4
        },
        "summary": {
         "type": "ToolsetSummary",
         "id": 5
        }
       }
      },
      "Snapshot": {
       "fields": {
        "toolsets": {
         "rule": "repeated",
         "type": "ToolsetSummary",
         "id": 1
        },
        "more": {
         "type": "bool",
         "id": 2
        }
       }
      },
      "WatchResponse": {
       "fields": {
        "revision": {
         "type": "string",
         "id": 1
        },
        "snapshot": {
         "type": "Snapshot",
         "id": 2
        },
        "changes": {
         "rule": "repeated",
         "type": "Change",
         "id": 3
        }
       }
      },
      "DeliveryMode": {
       "values": {
        "DELIVERY_MODE_UNSPECIFIED": 0,
        "DELIVERY_MODE_ONCE": 1,
        "DELIVERY_MODE_IDEMPOTENT": 2
       }
      },
      "ToolAnnotations": {
       "oneofs": {
        "_readOnlyHint": {
         "oneof": [
          "readOnlyHint"
         ]
        },
        "_destructiveHint": {
         "oneof": [
          "destructiveHint"
         ]
        },
        "_idempotentHint": {
         "oneof": [
          "idempotentHint"
         ]
        },
        "_openWorldHint": {
         "oneof": [
          "openWorldHint"
         ]
        }
       },
       "fields": {
        "readOnlyHint": {
         "type": "bool",
         "id": 1,
         "options": {
          "proto3_optional": true
         }
        },
        "destructiveHint": {
         "type": "bool",
         "id": 2,
         "options": {
          "proto3_optional": true
         }
        },
        "idempotentHint": {
         "type": "bool",
         "id": 3,
         "options": {
          "proto3_optional": true
         }
        },
        "openWorldHint": {
         "type": "bool",
         "id": 4,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "Tool": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "title": {
         "type": "string",
         "id": 2
        },
        "description": {
         "type": "string",
         "id": 3
        },
        "tags": {
         "rule": "repeated",
         "type": "string",
         "id": 4
        },
        "payloadSchemaJson": {
         "type": "bytes",
         "id": 5
        },
        "resultSchemaJson": {
         "type": "bytes",
         "id": 6
        },
        "annotations": {
         "type": "ToolAnnotations",
         "id": 7
        },
        "delivery": {
         "type": "DeliveryMode",
         "id": 8
        },
        "timeoutMs": {
         "type": "uint32",
         "id": 9
        },
        "metaJson": {
         "type": "bytes",
         "id": 10
        }
       }
      },
      "Contract": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "version": {
         "type": "string",
         "id": 2
        },
        "title": {
         "type": "string",
         "id": 3
        },
        "description": {
         "type": "string",
         "id": 4
        },
        "tags": {
         "rule": "repeated",
         "type": "string",
         "id": 5
        },
        "tools": {
         "rule": "repeated",
         "type": "Tool",
         "id": 6
        },
        "assertFormats": {
         "type": "bool",
         "id": 7
        }
       }
      },
      "EpochState": {
       "values": {
        "EPOCH_STATE_UNSPECIFIED": 0,
        "EPOCH_STATE_CANDIDATE": 1,
        "EPOCH_STATE_ACTIVE": 2,
        "EPOCH_STATE_RETIRING": 3
       }
      },
      "Health": {
       "fields": {
        "healthy": {
         "type": "bool",
         "id": 1
        },
        "lastPongMs": {
         "type": "int64",
         "id": 2
        },
        "room": {
         "type": "uint32",
         "id": 3
        },
        "liveUntilMs": {
         "type": "int64",
         "id": 4
        }
       }
      },
      "Epoch": {
       "fields": {
        "epoch": {
         "type": "uint64",
         "id": 1
        },
        "digest": {
         "type": "string",
         "id": 2
        },
        "version": {
         "type": "string",
         "id": 3
        },
        "state": {
         "type": "EpochState",
         "id": 4
        },
        "registeredAtMs": {
         "type": "int64",
         "id": 5
        },
        "health": {
         "type": "Health",
         "id": 6
        }
       }
      },
      "Limits": {
       "fields": {
        "maxPayloadBytes": {
         "type": "uint32",
         "id": 1
        },
        "maxResultBytes": {
         "type": "uint32",
         "id": 2
        },
        "maxMessageBytes": {
         "type": "uint32",
         "id": 3
        },
        "maxOutputBytes": {
         "type": "uint64",
         "id": 4
        },
        "maxDeltas": {
         "type": "uint32",
         "id": 5
        },
        "defaultTimeoutMs": {
         "type": "uint32",
         "id": 6
        },
        "maxTimeoutMs": {
         "type": "uint32",
         "id": 7
        },
        "maxContractBytes": {
         "type": "uint32",
         "id": 8
        },
        "maxSchemaBytes": {
         "type": "uint32",
         "id": 9
        }
       }
      },
      "DeadCalls": {
       "methods": {
        "ListDeadCalls": {
         "requestType": "ListDeadCallsRequest",
         "responseType": "ListDeadCallsResponse"
        },
        "GetDeadCall": {
         "requestType": "GetDeadCallRequest",
         "responseType": "GetDeadCallResponse"
        },
        "RedriveDeadCall": {
         "requestType": "RedriveDeadCallRequest",
         "responseType": "RedriveDeadCallResponse"
        },
        "PurgeDeadCalls": {
         "requestType": "PurgeDeadCallsRequest",
         "responseType": "PurgeDeadCallsResponse"
        }
       }
      },
      "DeadCall": {
       "fields": {
        "id": {
         "type": "string",
         "id": 1
        },
        "callId": {
         "type": "string",
         "id": 2
        },
        "toolset": {
         "type": "string",
         "id": 3
        },
        "tool": {
         "type": "string",
         "id": 4
        },
        "epoch": {
         "type": "uint64",
         "id": 5
        },
        "reason": {
         "type": "string",
         "id": 6
        },
        "attempts": {
         "type": "uint32",
         "id": 7
        },
        "diedAtMs": {
         "type": "int64",
         "id": 8
        },
        "payloadBytes": {
         "type": "uint32",
         "id": 9
        },
        "meta": {
         "type": "CallMeta",
         "id": 10
        }
       }
      },
      "ListDeadCallsRequest": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "pageSize": {
         "type": "uint32",
         "id": 2
        },
        "pageToken": {
         "type": "string",
         "id": 3
        }
       }
      },
      "ListDeadCallsResponse": {
       "fields": {
        "calls": {
         "rule": "repeated",
         "type": "DeadCall",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        }
       }
      },
      "GetDeadCallRequest": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "id": {
         "type": "string",
         "id": 2
        }
       }
      },
      "GetDeadCallResponse": {
       "fields": {
        "call": {
         "type": "DeadCall",
         "id": 1
        },
        "payloadJson": {
         "type": "bytes",
         "id": 2
        }
       }
      },
      "RedriveDeadCallRequest": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "id": {
         "type": "string",
         "id": 2
        }
       }
      },
      "RedriveDeadCallResponse": {
       "fields": {
        "handle": {
         "type": "CallHandle",
         "id": 1
        }
       }
      },
      "PurgeDeadCallsRequest": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "ids": {
         "rule": "repeated",
         "type": "string",
         "id": 2
        }
       }
      },
      "PurgeDeadCallsResponse": {
       "fields": {
        "purged": {
         "type": "uint32",
         "id": 1
        }
       }
      },
      "Documents": {
       "methods": {
        "ListDocuments": {
         "requestType": "ListDocumentsRequest",
         "responseType": "ListDocumentsResponse"
        },
        "GetDocument": {
         "requestType": "GetDocumentRequest",
         "responseType": "GetDocumentResponse"
        },
        "ListRevisions": {
         "requestType": "ListRevisionsRequest",
         "responseType": "ListRevisionsResponse"
        },
        "ApplyDocuments": {
         "requestType": "ApplyDocumentsRequest",
         "responseType": "ApplyDocumentsResponse"
        }
       }
      },
      "DocumentRef": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "kind": {
         "type": "string",
         "id": 2
        },
        "name": {
         "type": "string",
         "id": 3
        }
       }
      },
      "Document": {
       "fields": {
        "ref": {
         "type": "DocumentRef",
         "id": 1
        },
        "revision": {
         "type": "int64",
         "id": 2
        },
        "writtenAtMs": {
         "type": "int64",
         "id": 3
        },
        "author": {
         "type": "string",
         "id": 4
        },
        "reason": {
         "type": "string",
         "id": 5
        },
        "bodyJson": {
         "type": "bytes",
         "id": 6
        },
        "removed": {
         "type": "bool",
         "id": 7
        },
        "unreadable": {
         "type": "string",
         "id": 8
        },
        "unjudged": {
         "type": "UnjudgedConditions",
         "id": 9
        }
       }
      },
      "UnjudgedConditions": {
       "fields": {
        "times": {
         "type": "int64",
         "id": 1
        },
        "path": {
         "type": "string",
         "id": 2
        },
        "reason": {
         "type": "string",
         "id": 3
        },
        "atMs": {
         "type": "int64",
         "id": 4
        }
       }
      },
      "ListDocumentsRequest": {
       "fields": {
        "tenant": {
         "type": "string",
         "id": 1
        },
        "kind": {
         "type": "string",
         "id": 2
        },
        "pageSize": {
         "type": "uint32",
         "id": 3
        },
        "pageToken": {
         "type": "string",
         "id": 4
        }
       }
      },
      "ListDocumentsResponse": {
       "fields": {
        "documents": {
         "rule": "repeated",
         "type": "Document",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        },
        "revision": {
         "type": "int64",
         "id": 3
        }
       }
      },
      "GetDocumentRequest": {
       "fields": {
        "ref": {
         "type": "DocumentRef",
         "id": 1
        },
        "revision": {
         "type": "int64",
         "id": 2
        }
       }
      },
      "GetDocumentResponse": {
       "fields": {
        "document": {
         "type": "Document",
         "id": 1
        }
       }
      },
      "ListRevisionsRequest": {
       "fields": {
        "ref": {
         "type": "DocumentRef",
         "id": 1
        }
       }
      },
      "ListRevisionsResponse": {
       "fields": {
        "revisions": {
         "rule": "repeated",
         "type": "Document",
         "id": 1
        }
       }
      },
      "DocumentChange": {
       "oneofs": {
        "_expectRevision": {
         "oneof": [
          "expectRevision"
         ]
        }
       },
       "fields": {
        "ref": {
         "type": "DocumentRef",
         "id": 1
        },
        "bodyJson": {
         "type": "bytes",
         "id": 2
        },
        "expectRevision": {
         "type": "int64",
         "id": 3,
         "options": {
          "proto3_optional": true
         }
        },
        "restoreRevision": {
         "type": "int64",
         "id": 4
        }
       }
      },
      "ApplyDocumentsRequest": {
       "fields": {
        "changes": {
         "rule": "repeated",
         "type": "DocumentChange",
         "id": 1
        },
        "reason": {
         "type": "string",
         "id": 2
        },
        "dryRun": {
         "type": "bool",
         "id": 3
        },
        "force": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "DocumentOutcome": {
       "fields": {
        "ref": {
         "type": "DocumentRef",
         "id": 1
        },
        "outcome": {
         "type": "string",
         "id": 2
        },
        "revision": {
         "type": "int64",
         "id": 3
        },
        "differences": {
         "rule": "repeated",
         "type": "string",
         "id": 4
        }
       }
      },
      "DocumentFinding": {
       "fields": {
        "ref": {
         "type": "DocumentRef",
         "id": 1
        },
        "path": {
         "type": "string",
         "id": 2
        },
        "message": {
         "type": "string",
         "id": 3
        }
       }
      },
      "ApplyDocumentsResponse": {
       "fields": {
        "outcomes": {
         "rule": "repeated",
         "type": "DocumentOutcome",
         "id": 1
        },
        "findings": {
         "rule": "repeated",
         "type": "DocumentFinding",
         "id": 2
        },
        "revision": {
         "type": "int64",
         "id": 3
        }
       }
      },
      "Registry": {
       "methods": {
        "Register": {
         "requestType": "RegisterRequest",
         "responseType": "RegisterResponse"
        },
        "Attach": {
         "requestType": "AttachRequest",
         "requestStream": true,
         "responseType": "AttachResponse",
         "responseStream": true
        },
        "Pong": {
         "requestType": "PongRequest",
         "responseType": "PongResponse"
        },
        "Renew": {
         "requestType": "RenewRequest",
         "responseType": "RenewResponse"
        },
        "Drain": {
         "requestType": "DrainRequest",
         "responseType": "DrainResponse"
        },
        "Release": {
         "requestType": "ReleaseRequest",
         "responseType": "ReleaseResponse"
        },
        "Unregister": {
         "requestType": "UnregisterRequest",
         "responseType": "UnregisterResponse"
        },
        "Promote": {
         "requestType": "PromoteRequest",
         "responseType": "PromoteResponse"
        }
       }
      },
      "RegisterOptions": {
       "fields": {
        "replace": {
         "type": "bool",
         "id": 1
        },
        "activateAt": {
         "type": "double",
         "id": 2
        },
        "maxBacklog": {
         "type": "uint32",
         "id": 3
        },
        "retentionMs": {
         "type": "uint64",
         "id": 4
        },
        "retireAfterMs": {
         "type": "uint64",
         "id": 5
        },
        "skipInvalid": {
         "type": "bool",
         "id": 6
        }
       }
      },
      "RegisterRequest": {
       "fields": {
        "contract": {
         "type": "Contract",
         "id": 1
        },
        "providerId": {
         "type": "string",
         "id": 2
        },
        "incarnation": {
         "type": "string",
         "id": 3
        },
        "options": {
         "type": "RegisterOptions",
         "id": 4
        }
       }
      },
      "SchemaWarning": {
       "fields": {
        "tool": {
         "type": "string",
         "id": 1
        },
        "path": {
         "type": "string",
         "id": 2
        },
        "message": {
         "type": "string",
         "id": 3
        }
       }
      },
      "SkippedPart": {
       "fields": {
        "tool": {
         "type": "string",
         "id": 1
        },
        "resultSchemaOnly": {
         "type": "bool",
         "id": 2
        },
        "violations": {
         "rule": "repeated",
         "type": "FieldViolation",
         "id": 3
        }
       }
      },
      "RegisterResponse": {
       "fields": {
        "epoch": {
         "type": "uint64",
         "id": 1
        },
        "digest": {
         "type": "string",
         "id": 2
        },
        "state": {
         "type": "EpochState",
         "id": 3
        },
        "leaseToken": {
         "type": "string",
         "id": 4
        },
        "leaseMs": {
         "type": "uint32",
         "id": 5
        },
        "pingIntervalMs": {
         "type": "uint32",
         "id": 6
        },
        "registeredAtMs": {
         "type": "int64",
         "id": 7
        },
        "warnings": {
         "rule": "repeated",
         "type": "SchemaWarning",
         "id": 8
        },
        "skipped": {
         "rule": "repeated",
         "type": "SkippedPart",
         "id": 9
        }
       }
      },
      "LeaseRef": {
       "fields": {
        "toolset": {
         "type": "string",
         "id": 1
        },
        "epoch": {
         "type": "uint64",
         "id": 2
        },
        "providerId": {
         "type": "string",
         "id": 3
        },
        "incarnation": {
         "type": "string",
         "id": 4
        },
        "leaseToken": {
         "type": "string",
         "id": 5
        }
       }
      },
      "CallInHand": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "attempt": {
         "type": "uint32",
         "id": 2
        }
       }
      },
      "Hello": {
       "fields": {
        "lease": {
         "type": "LeaseRef",
         "id": 1
        },
        "maxInFlight": {
         "type": "uint32",
         "id": 2
        },
        "inHand": {
         "rule": "repeated",
         "type": "CallInHand",
         "id": 3
        },
        "maxMessageBytes": {
         "type": "uint32",
         "id": 4
        },
        "clientVersion": {
         "type": "string",
         "id": 5
        }
       }
      },
      "ProviderDelta": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "attempt": {
         "type": "uint32",
         "id": 2
        },
        "dataJson": {
         "type": "bytes",
         "id": 3
        }
       }
      },
      "ToolError": {
       "fields": {
        "reason": {
         "type": "string",
         "id": 1
        },
        "message": {
         "type": "string",
         "id": 2
        },
        "detailsJson": {
         "type": "bytes",
         "id": 3
        },
        "outcomeUnknown": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "ToolCancelled": {
       "fields": {}
      },
      "ProviderResult": {
       "oneofs": {
        "outcome": {
         "oneof": [
          "resultJson",
          "error",
          "cancelled"
         ]
        }
       },
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "attempt": {
         "type": "uint32",
         "id": 2
        },
        "resultJson": {
         "type": "bytes",
         "id": 3
        },
        "error": {
         "type": "ToolError",
         "id": 4
        },
        "cancelled": {
         "type": "ToolCancelled",
         "id": 5
        },
        "lostNodes": {
         "type": "uint32",
         "id": 6
        }
       }
      },
      "ProviderPong": {
       "fields": {
        "nonce": {
         "type": "string",
         "id": 1
        }
       }
      },
      "Heartbeat": {
       "fields": {
        "sequence": {
         "type": "uint64",
         "id": 1
        },
        "reply": {
         "type": "bool",
         "id": 2
        }
       }
      },
      "DrainNotice": {
       "fields": {}
      },
      "AttachRequest": {
       "fields": {
        "hello": {
         "type": "Hello",
         "id": 1
        },
        "deltas": {
         "rule": "repeated",
         "type": "ProviderDelta",
         "id": 2
        },
        "results": {
         "rule": "repeated",
         "type": "ProviderResult",
         "id": 3
        },
        "pongs": {
         "rule": "repeated",
         "type": "ProviderPong",
         "id": 4
        },
        "heartbeat": {
         "type": "Heartbeat",
         "id": 5
        },
        "drain": {
         "type": "DrainNotice",
         "id": 6
        }
       }
      },
      "Welcome": {
       "fields": {
        "nodeId": {
         "type": "string",
         "id": 1
        },
        "state": {
         "type": "EpochState",
         "id": 2
        },
        "fenced": {
         "rule": "repeated",
         "type": "CallInHand",
         "id": 3
        },
        "heartbeatMs": {
         "type": "uint32",
         "id": 4
        },
        "limits": {
         "type": "Limits",
         "id": 5
        },
        "nodeVersion": {
         "type": "string",
         "id": 6
        }
       }
      },
      "ProviderCall": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "tool": {
         "type": "string",
         "id": 2
        },
        "payloadJson": {
         "type": "bytes",
         "id": 3
        },
        "attempt": {
         "type": "uint32",
         "id": 4
        },
        "deadlineMs": {
         "type": "int64",
         "id": 5
        },
        "timeoutMs": {
         "type": "uint32",
         "id": 6
        },
        "meta": {
         "type": "CallMeta",
         "id": 7
        }
       }
      },
      "Ping": {
       "fields": {
        "nonce": {
         "type": "string",
         "id": 1
        }
       }
      },
      "CancelReason": {
       "values": {
        "CANCEL_REASON_UNSPECIFIED": 0,
        "CANCEL_REASON_CANCELLED": 1,
        "CANCEL_REASON_DEADLINE": 2,
        "CANCEL_REASON_FENCED": 3,
        "CANCEL_REASON_OUTPUT_LIMIT": 4
       }
      },
      "CancelNotice": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "attempt": {
         "type": "uint32",
         "id": 2
        },
        "reason": {
         "type": "CancelReason",
         "id": 3
        }
       }
      },
      "Superseded": {
       "fields": {
        "activeEpoch": {
         "type": "uint64",
         "id": 1
        },
        "activeVersion": {
         "type": "string",
         "id": 2
        }
       }
      },
      "GoAwayReason": {
       "values": {
        "GO_AWAY_REASON_UNSPECIFIED": 0,
        "GO_AWAY_REASON_NODE_DRAINING": 1,
        "GO_AWAY_REASON_RETIRED": 2,
        "GO_AWAY_REASON_LEASE_LOST": 3,
        "GO_AWAY_REASON_REPLACED": 4,
        "GO_AWAY_REASON_UNREGISTERED": 5
       }
      },
      "GoAway": {
       "fields": {
        "reason": {
         "type": "GoAwayReason",
         "id": 1
        },
        "graceMs": {
         "type": "uint32",
         "id": 2
        }
       }
      },
      "Settled": {
       "fields": {
        "callId": {
         "type": "string",
         "id": 1
        },
        "attempt": {
         "type": "uint32",
         "id": 2
        },
        "accepted": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "Ready": {
       "fields": {}
      },
      "FlowControl": {
       "fields": {
        "pauseOutput": {
         "type": "bool",
         "id": 1
        }
       }
      },
      "AttachResponse": {
       "fields": {
        "welcome": {
         "type": "Welcome",
         "id": 1
        },
        "calls": {
         "rule": "repeated",
         "type": "ProviderCall",
         "id": 2
        },
        "pings": {
         "rule": "repeated",
         "type": "Ping",
         "id": 3
        },
        "cancels": {
         "rule": "repeated",
         "type": "CancelNotice",
         "id": 4
        },
        "settled": {
         "rule": "repeated",
         "type": "Settled",
         "id": 5
        },
        "superseded": {
         "type": "Superseded",
         "id": 6
        },
        "goAway": {
         "type": "GoAway",
         "id": 7
        },
        "flowControl": {
         "type": "FlowControl",
         "id": 8
        },
        "heartbeat": {
         "type": "Heartbeat",
         "id": 9
        },
        "ready": {
         "type": "Ready",
         "id": 10
        }
       }
      },
      "PongRequest": {
       "fields": {
        "lease": {
         "type": "LeaseRef",
         "id": 1
        }
       }
      },
      "PongResponse": {
       "fields": {
        "state": {
         "type": "EpochState",
         "id": 1
        }
       }
      },
      "RenewRequest": {
       "fields": {
        "lease": {
         "type": "LeaseRef",
         "id": 1
        },
        "maxInFlight": {
         "type": "uint32",
         "id": 2
        },
        "inHand": {
         "rule": "repeated",
         "type": "CallInHand",
         "id": 3
        }
       }
      },
      "RenewResponse": {
       "fields": {
        "leaseUntilMs": {
         "type": "int64",
         "id": 1
        },
        "fenced": {
         "rule": "repeated",
         "type": "CallInHand",
         "id": 2
        }
       }
      },
      "DrainRequest": {
       "fields": {
        "lease": {
         "type": "LeaseRef",
         "id": 1
        }
       }
      },
      "DrainResponse": {
       "fields": {}
      },
      "ReleaseRequest": {
       "fields": {
        "lease": {
         "type": "LeaseRef",
         "id": 1
        }
       }
      },
      "ReleaseResponse": {
       "fields": {}
      },
      "UnregisterRequest": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "epoch": {
         "type": "uint64",
         "id": 2
        }
       }
      },
      "UnregisterResponse": {
       "fields": {}
      },
      "PromoteRequest": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "epoch": {
         "type": "uint64",
         "id": 2
        }
       }
      },
      "PromoteResponse": {
       "fields": {}
      }
     }
    }
   }
  }
 }
}`;
