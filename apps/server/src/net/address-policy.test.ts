import { networkInterfaces } from 'node:os'

import { describe, expect, it } from 'vitest'

import { createAddressGuard, PRIVATE_CIDRS } from './address-policy.js'
import { NetError } from './net-error.js'

const permitted = (policy: Parameters<typeof createAddressGuard>[0], address: string): boolean => {
  try {
    createAddressGuard(policy).check(address)
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(NetError)
    expect(error).toMatchObject({ code: 'address_refused' })
    return false
  }
}

const everything = { allowedCidrs: ['0.0.0.0/0', '::/0'], allowLoopback: true }

describe('the address policy', () => {
  it.each(['10.1.2.3', '172.16.0.1', '172.31.255.254', '192.168.1.50', 'fd12:3456::1', '::ffff:192.168.1.50'])(
    'permits the private address %s by default',
    (address) => expect(permitted({}, address)).toBe(true),
  )

  it.each([
    '8.8.8.8',
    '172.32.0.1',
    '100.64.0.1',
    '2a00:1450::1',
    '::ffff:8.8.8.8',
    '::ffff:808:808',
    'not-an-address',
  ])('refuses %s by default', (address) => expect(permitted({}, address)).toBe(false))

  it('takes an address of this machine for loopback, in whichever network it is', () => {
    const ownAddresses = () => new Set(['192.168.1.5', 'fd12:3456::5'])
    for (const address of ['192.168.1.5', '::ffff:192.168.1.5', 'fd12:3456::5', 'fd12:3456:0::5']) {
      expect(permitted({ ownAddresses }, address)).toBe(false)
      expect(permitted({ ownAddresses, allowLoopback: true }, address)).toBe(true)
    }
    expect(permitted({ ownAddresses }, '192.168.1.6')).toBe(true)
  })

  it.each(
    Object.values(networkInterfaces())
      .flatMap((all = []) => all)
      .map(({ address }) => address),
  )('knows that %s is an address of this machine', (address) => {
    expect(permitted({ allowedCidrs: ['0.0.0.0/0', '::/0'] }, address)).toBe(false)
  })

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:0001'])(
    'permits the loopback address %s only when told so, whatever networks are allowed',
    (address) => {
      expect(permitted({ ...everything, allowLoopback: false }, address)).toBe(false)
      expect(permitted({ allowLoopback: true }, address)).toBe(true)
    },
  )

  it.each([
    '0.0.0.0',
    '169.254.169.254',
    '169.254.1.1',
    '100.100.100.200',
    '224.0.0.251',
    '255.255.255.255',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'ff02::fb',
    'fd00:ec2::254',
    'fd00:42::42',
    'fd20:ce::254',
    '168.63.129.16',
    '::ffff:168.63.129.16',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
  ])('never permits %s', (address) => expect(permitted(everything, address)).toBe(false))

  it('takes the networks that the caller names instead of the private ones', () => {
    expect(permitted({ allowedCidrs: ['203.0.113.0/24'] }, '203.0.113.7')).toBe(true)
    expect(permitted({ allowedCidrs: ['203.0.113.0/24'] }, '192.168.1.1')).toBe(false)
  })

  const PUBLIC = { allowPublic: true, allowedCidrs: [] }

  it.each(['8.8.8.8', '93.184.215.14', '172.32.0.1', '2a00:1450::1', '2606:4700::1111', '::ffff:8.8.8.8'])(
    'permits %s of the public internet to who asks for that',
    (address) => expect(permitted(PUBLIC, address)).toBe(true),
  )

  it.each([
    ...['10.1.2.3', '172.16.0.1', '192.168.1.50', '100.64.0.1', '192.0.2.1', '198.18.0.1', '203.0.113.7', '240.0.0.1'],
    ...['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '255.255.255.255', '::1', '::', '::7f00:1'],
    ...[
      'fd12:3456::1',
      'fe80::1',
      'ff02::1',
      '2001:db8::1',
      '2001:0:1::1',
      '2002:a00:1::1',
      '64:ff9b::a00:1',
      '5f00::1',
    ],
    ...['::ffff:10.0.0.1', '::ffff:7f00:1', '::ffff:a9fe:a9fe'],
  ])('does not take %s for the public internet', (address) => expect(permitted(PUBLIC, address)).toBe(false))

  it('permits the private networks that are named beside the public internet, and no forbidden one', () => {
    const policy = { allowPublic: true, allowedCidrs: ['10.1.0.0/16', '169.254.0.0/16'] }
    expect(permitted(policy, '10.1.2.3')).toBe(true)
    expect(permitted(policy, '8.8.8.8')).toBe(true)
    expect(permitted(policy, '10.2.2.3')).toBe(false)
    expect(permitted(policy, '169.254.169.254')).toBe(false)
  })

  it.each(['10.0.0.0', '10.0.0.0/33', 'fc00::/129', 'printers/8', '10.0.0.0/-1', ''])(
    'refuses to start with the malformed network %j',
    (cidr) => expect(() => createAddressGuard({ allowedCidrs: [...PRIVATE_CIDRS, cidr] })).toThrow(RangeError),
  )
})
