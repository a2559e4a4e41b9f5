import { resolve } from 'node:path'
import { parseSettings } from '../../lib/config/load-settings'

type OAuth = ReturnType<typeof parseSettings>['oauth']

/** `[oauth]` with the file's defaults but for what is given. */
export function oauthSettings(given: { [Table in keyof OAuth]?: Partial<OAuth[Table]> }): OAuth {
  const { token_validation, token_renewal, dcr } = parseSettings(
    '',
    resolve('deployment.toml'),
  ).oauth
  return {
    token_validation: { ...token_validation, ...given.token_validation },
    token_renewal: { ...token_renewal, ...given.token_renewal },
    dcr: { ...dcr, ...given.dcr },
  }
}
