// Tells the story with @segment/analytics-node and prints what it sent: [{id, type, event}].
const { Analytics } = require('@segment/analytics-node')
const { tell } = require('./story.cjs')

const sdk = new Analytics({ writeKey: process.env.WRITE_KEY, host: process.env.MEZZO })
const sent = [], failed = []
sdk.on('error', (e) => failed.push(String(e.reason ?? e)))
tell((method, message) => sdk[method](message, (err, ctx) => {
  if (err) failed.push(String(err))
  sent.push({ id: ctx.event.messageId, type: ctx.event.type, event: ctx.event.event })
}))
sdk.closeAndFlush().then(() => console.log(JSON.stringify({ sent, failed })))
