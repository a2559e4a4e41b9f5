import type { DeploymentSettings } from '../config/deployment'

/** What the process takes from `deployment.toml`. */
export type ServeSettings = Pick<
  DeploymentSettings,
  | 'file'
  | 'locate'
  | 'server'
  | 'keystore'
  | 'truststore'
  | 'database'
  | 'proxy'
  | 'super_admin'
  | 'console'
  | 'metrics'
>
