import type { Request, RequestHandler } from 'express'
import { parseJsonObject } from '../server/json'
import type { Parts } from '../server/parts'
import {
  authorizeRegistration,
  findRegistration,
  type RegistrationCall,
  readRegistration,
  refuseWhileOff,
  registerClient,
  removeRegistration,
  replaceRegistration,
} from '../server/register'
import { bearerToken } from './bearer'
import { readJson } from './read-body'
import { noteFacts, type Receiver } from './receive'
import { answering } from './reply'
import { writeJson, writeNothing } from './write-reply'

/** `POST /oauth2/register`: whoever may not register is told so before the body is looked at. */
export function registerRoute(parts: Parts, receiver: Receiver): RequestHandler {
  return answering(async (req, res) => {
    const call = receiveCall(req, receiver)
    const facts = noteFacts(req, receiver, await authorizeRegistration(parts, call))
    const asked = parseJsonObject(await readJson(req, receiver.limit()))
    writeJson(res, 201, await registerClient(parts, { ...call, facts }, asked))
  })
}

/** `/oauth2/register/:client_id`, for the client itself. */
export function registrationRoutes(
  parts: Parts,
  receiver: Receiver,
): Record<'GET' | 'PUT' | 'DELETE', RequestHandler> {
  const find = async (req: Request) => {
    const call = receiveCall(req, receiver)
    const record = await findRegistration(parts, String(req.params.client_id), call)
    return { call: { ...call, facts: noteFacts(req, receiver, record.client_id) }, record }
  }
  return {
    GET: answering(async (req, res) => {
      const { call, record } = await find(req)
      writeJson(res, 200, await readRegistration(parts, record, call))
    }),
    PUT: answering(async (req, res) => {
      const { call, record } = await find(req)
      const asked = parseJsonObject(await readJson(req, receiver.limit()))
      writeJson(res, 200, await replaceRegistration(parts, record, call, asked))
    }),
    DELETE: answering(async (req, res) => {
      const { call, record } = await find(req)
      await removeRegistration(parts, record, call)
      writeNothing(res)
    }),
  }
}

/** 404 for every method while registration is off, as if there were no such path. */
export function whileOn(parts: Pick<Parts, 'registration'>): RequestHandler {
  return (_req, _res, next) => {
    refuseWhileOff(parts)
    next()
  }
}

/** Throws `OAuthError` without a token. */
function receiveCall(req: Request, receiver: Receiver): RegistrationCall {
  const facts = noteFacts(req, receiver, undefined)
  const { presented } = receiver.source.read(req)
  return { token: bearerToken(req), presented, facts }
}
