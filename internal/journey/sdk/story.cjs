// What a shop's server tells, the same to every SDK: a few visits with a little of everything.
const names = ['Product List Viewed', 'Product Clicked', 'Product Viewed', 'Product Added', 'Checkout Started', 'Order Completed', 'Order Refunded', 'view_item', 'Wishlist Opened']

exports.visits = 11
// tell calls the SDK for every event of the story; send(method, message) returns nothing.
exports.tell = (send) => {
  for (let visit = 0; visit < exports.visits; visit++) {
    const visitor = { anonymousId: `visitor-${visit}`, context: { ip: '203.0.113.9', userAgent: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148' } }
    send('page', { ...visitor, name: 'Shelf', properties: { url: 'https://pans.example/shelf' } })
    for (const event of names) {
      send('track', { ...visitor, event, properties: { sku: 'SK26', product_id: 811, quantity: 1, price: 19.99, currency: 'USD' } })
    }
    send('identify', { ...visitor, userId: `user-${visit}`, traits: { email: `user-${visit}@example.com` } })
  }
  send('group', { userId: 'user-0', groupId: 'club', traits: {} })
  send('alias', { userId: 'user-0', previousId: 'visitor-0' })
  send('screen', { userId: 'user-0', name: 'Basket' })
}
