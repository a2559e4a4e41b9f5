/**
 * Express gives every request and response another prototype, which costs V8 the shape of both: half
 * of all the time in a small server. When the server makes them with the right prototype from the
 * start, Express's own call changes nothing.
 *
 * A class's `prototype` is fixed, so the class's takes the place of the app's: same parent, same
 * properties. A plain constructor function with `app.response` as its prototype would work too, but
 * V8 then reserves no room for the twenty fields of a response (1.4 µs of each request).
 */

import { IncomingMessage, type ServerResponse } from 'node:http'
import type { Express } from 'express'
import { directAnswers } from '../express/direct-answer'

export interface Constructors {
  IncomingMessage: typeof IncomingMessage
  ServerResponse: typeof ServerResponse
}

/** The same two for the same app each time: several listeners may serve one app. */
export function constructorsFor(app: Express): Constructors {
  const known = made.get(app)
  if (known !== undefined) return known
  const AppRequest = class extends IncomingMessage {}
  const AppResponse = directAnswers()
  app.request = takePlace(AppRequest.prototype, app.request)
  app.response = takePlace(AppResponse.prototype, app.response)
  const constructors = { IncomingMessage: AppRequest, ServerResponse: AppResponse }
  made.set(app, constructors)
  return constructors
}

const made = new WeakMap<Express, Constructors>()

function takePlace<Original extends object>(prototype: object, original: Original): Original {
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(original))
  return Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(original)) as Original
}
