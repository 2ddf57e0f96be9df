import { alarmText } from '../alarms/alarm-text.js'
import type { EmailText } from './email-text.js'
import type { EmailContent } from './notifications.jobs.js'

type Templates = {
  [T in EmailContent['template']]: (data: Extract<EmailContent, { template: T }>['data']) => EmailText
}

const TEMPLATES: Templates = {
  'alarm-raised': ({ alarmId, code, severity, params, subjectType, subjectId, raisedAt }) => {
    const text = alarmText(code, params)
    const facts = { Severity: severity, Code: code, About: `${subjectType} ${subjectId}`, Raised: raisedAt }
    return {
      subject: `[${severity}] ${text}`,
      heading: text,
      paragraphs: [],
      facts: factsOf({ ...facts, Alarm: alarmId }),
    }
  },
  'export-ready': ({ exportId, format, expiresAt }) => ({
    subject: 'Your export is ready',
    heading: 'Your export is ready',
    paragraphs: [`It can be downloaded until ${expiresAt}.`],
    facts: factsOf({ Export: exportId, Format: format }),
  }),
  'webhook-disabled': ({ webhookId, url, reason }) => ({
    subject: 'A webhook was switched off',
    heading: 'A webhook was switched off',
    paragraphs: ['Nothing more is delivered to it until somebody switches it on again.'],
    facts: factsOf({ Webhook: webhookId, URL: url, Reason: reason }),
  }),
  invitation: ({ expiresAt }) => ({
    subject: 'You are invited to Gantry',
    heading: 'You are invited to Gantry',
    paragraphs: [
      `An account was made for you. Choose a password to use it; that is possible once, until ${expiresAt}.`,
    ],
    facts: [],
  }),
  'password-reset': ({ expiresAt }) => ({
    subject: 'Choose a new password',
    heading: 'Choose a new password',
    paragraphs: [
      `Somebody asked for a new password for your account. It can be chosen once, until ${expiresAt}.`,
      'If it was not you, nothing has happened, and nothing needs to be done.',
    ],
    facts: [],
  }),
  'registration-tried': () => ({
    subject: 'You have an account already',
    heading: 'You have an account already',
    paragraphs: [
      'Somebody wanted to register at Gantry with this address. If it was you: log in with the password that you have; the one that was chosen now is worth nothing.',
      'If it was not you, nothing has happened, and nothing needs to be done.',
    ],
    facts: [],
  }),
  message: ({ subject, heading, lines }) => ({ subject, heading, paragraphs: [], facts: lines }),
  test: ({ requestedBy }) => ({
    subject: 'Test mail from Gantry',
    heading: 'Mail works',
    paragraphs: ['Gantry sent this mail because somebody asked for a test.'],
    facts: factsOf({ 'Asked for by': requestedBy }),
  }),
}

const factsOf = (facts: Record<string, string>) => Object.entries(facts).map(([name, value]) => ({ name, value }))

/** What a mail says, from what its template needs to know. */
export const emailTextOf = ({ template, data }: EmailContent): EmailText =>
  (TEMPLATES[template] as (data: EmailContent['data']) => EmailText)(data)
