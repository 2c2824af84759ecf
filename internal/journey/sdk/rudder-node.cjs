// Tells the story with @rudderstack/rudder-sdk-node and prints what it sent: [{id, type, event}].
const RudderAnalytics = require('@rudderstack/rudder-sdk-node')
const { tell } = require('./story.cjs')

const failed = []
const sdk = new RudderAnalytics(process.env.WRITE_KEY, { dataPlaneUrl: process.env.MEZZO, errorHandler: (e) => failed.push(String(e)) })
const sent = []
let waiting = 0
// The SDK names its messages when they are queued; it hands its batches out only packed.
sdk.axiosInstance.interceptors.request.use((request) => {
  for (const m of JSON.parse(require('node:zlib').gunzipSync(request.data)).batch) sent.push({ id: m.messageId, type: m.type, event: m.event })
  return request
})
tell((method, message) => {
  waiting++
  sdk[method](message, (err, data) => {
    if (err) failed.push(String(err))
    waiting--
  })
})
const wait = () => {
  if (waiting > 0) return sdk.flush().catch(() => {}).finally(() => setTimeout(wait, 10))
  console.log(JSON.stringify({ sent, failed }))
  process.exit(0)
}
wait()
