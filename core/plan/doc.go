// Package plan turns a wish ("give bob what alice has") into the exact changes that fulfil it, and says
// what would come of them. It is arithmetic on an Estate: it reads nothing, writes nothing and has no clock.
//
// A plan is a value. Each step names one Cell of the account, what it held when the plan was made and what
// it is to hold; carrying a step out, checking that nothing moved, and taking it back are then the same for
// all kinds of change. What a plan is worth is its digest: consent is to that, and only that is applied.
package plan
