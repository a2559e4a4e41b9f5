/** `mtls-secret/plugin-testing`: our attack cases, for a plugin of anybody's. */
export type {
  Answer,
  ClientAuthTest,
  GrantTest,
  Identity,
  PluginTest,
  Report,
  ReportedCase,
  SignedRequest,
  TestClient,
  TestFunction,
  TestServer,
} from './options'
export { testPlugin } from './test-plugin'
